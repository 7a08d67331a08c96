package dev.nibble.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BytePairTest {
    private static final Tokenizer.Options PLAIN = Tokenizer.Options.PLAIN;

    @Test
    void mergesByRankAndTheLeftmostFirst() {
        Tokenizer tokenizer = SketchedVocabulary.ofBytes("gpt-2")
                .merge("b", "c")
                .merge("a", "b")
                .merge("a", "a")
                .tokenizer();
        int bc = 256;
        int ab = 257;
        int aa = 258;
        assertThat(tokenizer.encode("abc", PLAIN)).containsExactly('a', bc);
        assertThat(tokenizer.encode("abab", PLAIN)).containsExactly(ab, ab);
        assertThat(tokenizer.encode("aaaaa", PLAIN)).containsExactly(aa, aa, 'a');
    }

    @Test
    void doesNotMergeAcrossWords() {
        Tokenizer tokenizer = SketchedVocabulary.ofBytes("gpt-2")
                .merge("a", "Ġ")
                .merge("Ġ", "b")
                .tokenizer();
        assertThat(tokenizer.encode("a b", PLAIN)).containsExactly('a', 257);
    }

    @Test
    void takesAWholeWordWhereMergesAreIgnored() {
        SketchedVocabulary llama = SketchedVocabulary.ofBytes("llama3")
                .put("tokenizer.ggml.add_bos_token", false)
                .token("Ġhello");
        SketchedVocabulary qwen = SketchedVocabulary.ofBytes("qwen2").token("Ġhello");
        assertThat(llama.tokenizer().encode(" hello", PLAIN)).containsExactly(256);
        assertThat(qwen.tokenizer().encode(" hello", PLAIN)).hasSize(6);
    }

    @Test
    void leavesOutAByteThatTheVocabularyLacks() {
        Tokenizer tokenizer = new SketchedVocabulary("gpt2")
                .put("tokenizer.ggml.pre", "gpt-2")
                .token("a")
                .token("b")
                .merge("a", "b")
                .tokenizer();
        assertThat(tokenizer.encode("abcab", PLAIN)).containsExactly(2, 2);
    }

    @Test
    void addsBosAndEosAsTheFileAsks() {
        SketchedVocabulary vocabulary = SketchedVocabulary.ofBytes("gpt-2")
                .token("<s>", TokenType.CONTROL)
                .token("</s>", TokenType.CONTROL)
                .put("tokenizer.ggml.bos_token_id", 256L)
                .put("tokenizer.ggml.eos_token_id", 257L)
                .put("tokenizer.ggml.add_bos_token", true);
        assertThat(vocabulary.tokenizer().encode("a", Tokenizer.Options.PROMPT)).containsExactly(256, 'a');
        assertThat(vocabulary.tokenizer().encode("a", Tokenizer.Options.TEMPLATE))
                .containsExactly('a');
        assertThat(vocabulary.tokenizer().encode("", Tokenizer.Options.PROMPT)).containsExactly(256);
        vocabulary.put("tokenizer.ggml.add_eos_token", true);
        assertThat(vocabulary.tokenizer().encode("a", Tokenizer.Options.PROMPT)).containsExactly(256, 'a', 257);
        assertThat(vocabulary.tokenizer().encode("<s>a", Tokenizer.Options.PROMPT))
                .as("a text that begins with BOS")
                .containsExactly(256, 'a', 257);
    }

    @Test
    void decodesWhatItEncodes() {
        Tokenizer tokenizer = SketchedVocabulary.ofBytes("llama4")
                .merge("Ġ", "t")
                .merge("Ġt", "h")
                .tokenizer();
        String text = " the\tthing\r\n— naïve 日本語 🙂\u0000\u00a0½";
        assertThat(tokenizer.decode(tokenizer.encode(text, PLAIN))).isEqualTo(text);
        assertThat(tokenizer.decode(tokenizer.encode("a\ud800b", PLAIN))).isEqualTo("a\ufffdb");
    }

    @Test
    void aMissingPreTokenizerIsTheDefaultAndSaysSo() {
        SketchedVocabulary vocabulary = SketchedVocabulary.ofBytes("").merge("1", "2");
        vocabulary.token("1234");
        Tokenizer tokenizer = vocabulary.tokenizer();
        assertThat(tokenizer.description()).contains("default").contains("names no pre-tokenizer");
        assertThat(tokenizer.encode("12", PLAIN)).containsExactly(256);
    }

    /** Compares the heap over a linked list with merging by searching the whole word for the best pair each time. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void mergesAsASearchOfTheWholeWordDoes(long seed) {
        Random random = new Random(seed);
        SketchedVocabulary vocabulary = SketchedVocabulary.ofBytes("gpt-2");
        List<String> parts = new ArrayList<>(List.of("a", "b", "c"));
        List<List<String>> merges = new ArrayList<>();
        while (merges.size() < 60) {
            String left = parts.get(random.nextInt(parts.size()));
            String right = parts.get(random.nextInt(parts.size()));
            if (!parts.contains(left + right) && left.length() + right.length() < 9) {
                parts.add(left + right);
                merges.add(List.of(left, right));
                vocabulary.merge(left, right);
            }
        }
        Tokenizer tokenizer = vocabulary.tokenizer();
        for (int round = 0; round < 200; round++) {
            String word = random.ints(1 + random.nextInt(60), 'a', 'd')
                    .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                    .toString();
            List<String> tokens = Arrays.stream(tokenizer.encode(word, PLAIN))
                    .mapToObj(tokenizer.vocabulary()::text)
                    .toList();
            assertThat(tokens).as(word).isEqualTo(mergedBySearch(word, merges));
        }
    }

    private static List<String> mergedBySearch(String word, List<List<String>> merges) {
        List<String> symbols = new ArrayList<>(List.of(word.split("")));
        for (boolean merged = true; merged; ) {
            merged = false;
            for (List<String> merge : merges) {
                int at = Collections.indexOfSubList(symbols, merge);
                if (at >= 0) {
                    symbols.set(at, symbols.get(at) + symbols.remove(at + 1));
                    merged = true;
                    break;
                }
            }
        }
        return symbols;
    }

    @Test
    void gemma4MergesCharactersAcrossWordsButNotLines() {
        Tokenizer tokenizer = new SketchedVocabulary("gemma4")
                .token("<bos>", TokenType.CONTROL)
                .put("tokenizer.ggml.bos_token_id", 0L)
                .put("tokenizer.ggml.add_bos_token", false)
                .byteTokens()
                .token("a")
                .token("b")
                .token("▁")
                .token("\n")
                .merge("a", "▁")
                .merge("a▁", "b")
                .token("\n\n")
                .tokenizer();
        Vocabulary vocabulary = tokenizer.vocabulary();
        assertThat(vocabulary.addBos()).as("forced").isTrue();
        assertThat(texts(tokenizer, "a b\n\na é")).containsExactly("a▁b", "\n\n", "a▁", "<0xC3>", "<0xA9>");
        assertThat(tokenizer.decode(tokenizer.encode("a b\n\na é", PLAIN))).isEqualTo("a b\n\na é");
    }

    private static List<String> texts(Tokenizer tokenizer, String text) {
        return Arrays.stream(tokenizer.encode(text, PLAIN))
                .mapToObj(tokenizer.vocabulary()::text)
                .toList();
    }
}
