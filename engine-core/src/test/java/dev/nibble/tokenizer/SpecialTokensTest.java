package dev.nibble.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SpecialTokensTest {
    private static final int CONTROL = 256;
    private static final int USER_DEFINED = 257;

    private static SketchedVocabulary vocabulary() {
        return SketchedVocabulary.ofBytes("gpt-2")
                .token("<|im_end|>", TokenType.CONTROL)
                .token("<tool>", TokenType.USER_DEFINED);
    }

    @Test
    void controlTokensAreTextUnlessTheyAreParsed() {
        Tokenizer tokenizer = vocabulary().tokenizer();
        assertThat(tokenizer.encode("<|im_end|>", Tokenizer.Options.TEMPLATE)).containsExactly(CONTROL);
        assertThat(tokenizer.encode("<|im_end|>", Tokenizer.Options.PLAIN))
                .hasSize(10)
                .doesNotContain(CONTROL);
        assertThat(tokenizer.decode(new int[] {CONTROL})).isEmpty();
    }

    /** A control token may look like a word, which the algorithms could find by themselves. */
    @Test
    void noAlgorithmMakesAControlTokenOfText() {
        String id = "tokenizer.ggml.";
        SketchedVocabulary whole = SketchedVocabulary.ofBytes("llama3")
                .token("ab", TokenType.CONTROL)
                .put(id + "add_bos_token", false);
        SketchedVocabulary merged = SketchedVocabulary.ofBytes("gpt-2")
                .token("ab", TokenType.CONTROL)
                .mergeOnly("a b");
        SketchedVocabulary pieces = new SketchedVocabulary("llama")
                .token("<unk>", TokenType.UNKNOWN)
                .token("<s>", TokenType.CONTROL)
                .token("</s>", TokenType.CONTROL)
                .byteTokens()
                .token("▁")
                .token("a")
                .token("b")
                .token("ab", TokenType.CONTROL);
        SketchedVocabulary words = new SketchedVocabulary("bert")
                .token("[UNK]", TokenType.UNKNOWN)
                .token("▁a")
                .token("b")
                .token("▁ab", TokenType.CONTROL)
                .put(id + "unknown_token_id", 0L)
                .put(id + "bos_token_id", 0L)
                .put(id + "seperator_token_id", 0L);
        for (SketchedVocabulary vocabulary : List.of(whole, merged, pieces, words)) {
            Tokenizer tokenizer = vocabulary.tokenizer();
            int[] ids = tokenizer.encode("ab", Tokenizer.Options.PLAIN);
            assertThat(IntStream.of(ids).filter(tokenizer.vocabulary()::isControl))
                    .as(tokenizer.description())
                    .isEmpty();
            assertThat(tokenizer.decode(ids)).isEqualTo("ab");
        }
    }

    @Test
    void userDefinedTokensAreAlwaysMatched() {
        Tokenizer tokenizer = vocabulary().tokenizer();
        assertThat(tokenizer.encode("a<tool>b", Tokenizer.Options.PLAIN)).containsExactly('a', USER_DEFINED, 'b');
        assertThat(tokenizer.decode(new int[] {'a', USER_DEFINED, 'b'})).isEqualTo("a<tool>b");
    }

    @Test
    void tokensOfHarmonyAreShownButNotMatchedInPlainText() {
        Tokenizer tokenizer = SketchedVocabulary.ofBytes("gpt-4o")
                .token("<|channel|>", TokenType.CONTROL)
                .token("<|end|>", TokenType.CONTROL)
                .token("<|return|>", TokenType.CONTROL)
                .token("<|call|>", TokenType.CONTROL)
                .tokenizer();
        assertThat(tokenizer.encode("<|channel|>", Tokenizer.Options.PLAIN)).doesNotContain(256);
        assertThat(tokenizer.encode("<|channel|>", Tokenizer.Options.TEMPLATE)).containsExactly(256);
        assertThat(tokenizer.decode(new int[] {256, 257, 258})).isEqualTo("<|channel|><|end|>");
    }

    @Test
    void tokensOfPhi3TakeTheSpacesBehindThem() {
        Tokenizer tokenizer = SketchedVocabulary.ofBytes("gpt-2")
                .token("<|user|>", TokenType.CONTROL)
                .token("<s>", TokenType.CONTROL)
                .put("general.name", "Phi-3 mini")
                .tokenizer();
        assertThat(tokenizer.encode("a <|user|> \n b<s> c", Tokenizer.Options.TEMPLATE))
                .containsExactly('a', ' ', 256, 'b', 257, ' ', 'c');
    }

    @Test
    void theMaskOfJinaTakesTheSpacesBeforeIt() {
        Tokenizer tokenizer = SketchedVocabulary.ofBytes("jina-v2-de")
                .token("<mask>", TokenType.CONTROL)
                .tokenizer();
        assertThat(tokenizer.encode("a \t<mask> b", Tokenizer.Options.TEMPLATE)).containsExactly('a', 256, ' ', 'b');
    }

    /** Compares with what the order of precedence means: each token in turn, searched for in what is left. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void theLongestTokensComeFirst(long seed) {
        Random random = new Random(seed);
        Set<String> specials = new LinkedHashSet<>();
        while (specials.size() < 12) {
            specials.add(text(random, 1 + random.nextInt(5)));
        }
        SketchedVocabulary vocabulary = SketchedVocabulary.ofBytes("gpt-2");
        List<String> ordered = new ArrayList<>();
        for (String special : specials) {
            if (special.length() > 1) {
                vocabulary.token(special, TokenType.USER_DEFINED);
                ordered.add(special);
            }
        }
        ordered.sort(Comparator.comparingInt(String::length).reversed());
        Tokenizer tokenizer = vocabulary.tokenizer();
        for (int round = 0; round < 200; round++) {
            String text = text(random, 1 + random.nextInt(40));
            List<String> expected = new ArrayList<>();
            partition(text, ordered, expected);
            List<String> actual = new ArrayList<>();
            for (int id : tokenizer.encode(text, Tokenizer.Options.PLAIN)) {
                actual.add(tokenizer.vocabulary().text(id));
            }
            assertThat(actual).as("%s with %s", text, ordered).isEqualTo(expected);
        }
    }

    private static String text(Random random, int length) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < length; i++) {
            text.append("abc".charAt(random.nextInt(3)));
        }
        return text.toString();
    }

    private static void partition(String text, List<String> specials, List<String> tokens) {
        for (String special : specials) {
            int at = text.indexOf(special);
            if (at >= 0) {
                partition(text.substring(0, at), specials, tokens);
                tokens.add(special);
                partition(text.substring(at + special.length()), specials, tokens);
                return;
            }
        }
        text.chars().forEach(c -> tokens.add(Character.toString(c)));
    }
}
