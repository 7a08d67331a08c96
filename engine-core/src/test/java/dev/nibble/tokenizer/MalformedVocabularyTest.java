package dev.nibble.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.ModelFormatException;
import dev.nibble.NibbleException;
import dev.nibble.model.Metadata;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class MalformedVocabularyTest {
    private static final String PREFIX = "tokenizer.ggml.";

    private static SketchedVocabulary bytes() {
        return SketchedVocabulary.ofBytes("gpt-2").merge("a", "b");
    }

    private static SketchedVocabulary pieces() {
        return new SketchedVocabulary("llama")
                .token("<unk>", TokenType.UNKNOWN)
                .token("<s>", TokenType.CONTROL)
                .token("</s>", TokenType.CONTROL)
                .token("a");
    }

    private static Arguments refused(SketchedVocabulary vocabulary, String key, String message) {
        return Arguments.argumentSet(message, vocabulary, key, message);
    }

    static Stream<Arguments> malformed() {
        return Stream.of(
                refused(bytes().put(PREFIX + "model", 7L), "model", "expected a string, found the integer 7"),
                refused(bytes().put(PREFIX + "model", ""), "model", "this key is missing"),
                refused(bytes().put(PREFIX + "pre", true), "pre", "expected a string, found the boolean"),
                refused(bytes().put(PREFIX + "tokens", ""), "tokens", "the file has no vocabulary"),
                refused(bytes().put(PREFIX + "tokens", SketchedVocabulary.Strings.of()), "tokens", "has no vocabulary"),
                refused(bytes().put(PREFIX + "tokens", new long[300]), "tokens", "expected an array of strings"),
                refused(pieces().put(PREFIX + "scores", new boolean[300]), "scores", "expected an array of f32"),
                refused(pieces().put(PREFIX + "scores", new float[3]), "scores", "each of the 4 tokens, found 3"),
                refused(pieces().token("b", Float.NaN), "scores", "the score of token 4 is not a number"),
                refused(bytes().put(PREFIX + "token_type", new float[300]), "token_type", "expected an array of int"),
                refused(bytes().put(PREFIX + "token_type", new long[256]), "token_type", "257 tokens, found 256"),
                refused(bytes().put(PREFIX + "merges", ""), "merges", "this key is missing"),
                refused(bytes().put(PREFIX + "merges", new long[2]), "merges", "expected an array of strings"),
                refused(bytes().put(PREFIX + "eos_token_id", 257L), "eos_token_id", "token 257 is not in the vocab"),
                refused(bytes().put(PREFIX + "bos_token_id", -2L), "bos_token_id", "token -2 is not in the vocab"),
                refused(
                        bytes().put(PREFIX + "eos_token_ids", new long[] {3, 257}),
                        "eos_token_ids",
                        "token 257 is not in the vocab"),
                refused(bytes().put(PREFIX + "eos_token_ids", "x"), "eos_token_ids", "expected an integer, found a str"),
                refused(bytes().put(PREFIX + "eot_token_id", 1L << 40), "eot_token_id", "does not fit 32 bits"),
                refused(bytes().put(PREFIX + "eom_token_id", "x"), "eom_token_id", "expected an integer, found a str"),
                refused(bytes().put(PREFIX + "add_bos_token", true), "add_bos_token", "bos_token_id names none"),
                refused(bytes().put(PREFIX + "add_eos_token", 1L), "add_eos_token", "expected a boolean"),
                refused(bytes().put(PREFIX + "suppress_tokens", "x"), "suppress_tokens", "expected an array of int"),
                refused(
                        pieces().token("<0x-1>", TokenType.BYTE),
                        "tokens",
                        "token 4 stands for a byte, but is '<0x-1>'"),
                refused(pieces().token("<0x1>", TokenType.BYTE), "tokens", "token 4 stands for a byte, but is '<0x1>'"),
                refused(pieces().put(PREFIX + "add_space_prefix", 1L), "add_space_prefix", "expected a boolean"),
                refused(
                        pieces().put(PREFIX + "model", "bert").put(PREFIX + "bos_token_id", 1L),
                        "unknown_token_id",
                        "this tokenizer needs the token, and the key names none"),
                refused(
                        new SketchedVocabulary("t5").token("a").token("b"),
                        "unknown_token_id",
                        "this tokenizer needs the token, and the key names none"));
    }

    @ParameterizedTest
    @MethodSource("malformed")
    void isRefused(SketchedVocabulary vocabulary, String key, String message) {
        assertThatThrownBy(vocabulary::tokenizer)
                .isInstanceOf(ModelFormatException.class)
                .hasMessageStartingWith("sketch.gguf: " + PREFIX + key + ": ")
                .hasMessageContaining(message);
    }

    @Test
    void whatIsHarmlessIsAccepted() {
        Tokenizer tokenizer = bytes().token("")
                .put(PREFIX + "padding_token_id", 99_999L)
                .put(PREFIX + "bos_token_id", 0xFFFF_FFFFL)
                .put(PREFIX + "suppress_tokens", new long[] {5, -1, 99_999})
                .put(PREFIX + "scores", new long[300])
                .tokenizer();
        assertThat(tokenizer.vocabulary().bosId()).isEmpty();
        assertThat(tokenizer.vocabulary().paddingId()).isEmpty();
        assertThat(tokenizer.vocabulary().suppressedTokens()).containsExactly(5);
        assertThat(tokenizer.vocabulary().text(257)).isEqualTo("[EMPTY_257]");
        assertThat(tokenizer.bytes(257)).isEmpty();
        assertThat(tokenizer.encode("[EMPTY_257]", Tokenizer.Options.PROMPT)).doesNotContain(257);
    }

    @Test
    void anEmptyTextOfATokenThatIsMatchedInTextIsNowhere() {
        Tokenizer tokenizer = bytes().token("", TokenType.USER_DEFINED).tokenizer();
        assertThat(tokenizer.encode("a b", Tokenizer.Options.PROMPT)).containsExactly('a', ' ' , 'b');
        assertThat(tokenizer.bytes(257)).isEmpty();
    }

    @Test
    void ofTokensOfOneTextTheLastIsTaken() {
        Tokenizer tokenizer = bytes().token("a").token("<x>", TokenType.CONTROL).token("<x>", TokenType.CONTROL)
                .tokenizer();
        assertThat(tokenizer.encode("a<x>", Tokenizer.Options.PROMPT)).containsExactly(257, 259);
        assertThat(tokenizer.decode(new int[] {97, 257})).isEqualTo("aa");
        assertThat(tokenizer.vocabulary().text(258)).isEqualTo("<x>");
    }

    /** They are left by who reduces a vocabulary, or by a malformed file; the others keep their ranks. */
    @Test
    void mergesThatCanNeverApplyArePassedOver() {
        SketchedVocabulary vocabulary = SketchedVocabulary.ofBytes("gpt-2");
        for (String merge : new String[] {"a x", "zz a", "ab", "", " ", "a ", "a b c", "#version: 0.2"}) {
            vocabulary.mergeOnly(merge);
        }
        Tokenizer tokenizer = vocabulary.merge("b", "c").mergeOnly("b x").merge("a", "b").tokenizer();
        assertThat(tokenizer.encode("abc", Tokenizer.Options.PROMPT))
                .as("b c stands before a b")
                .containsExactly('a', 256);
        assertThat(tokenizer.encode("ab", Tokenizer.Options.PROMPT)).containsExactly(257);
        assertThat(tokenizer.encode("ax", Tokenizer.Options.PROMPT)).containsExactly('a', 'x');
    }

    @Test
    void scoresThatNothingIsChosenByAreNotRequiredToMakeSense() {
        for (Object scores : new Object[] {new boolean[300], new float[9], new float[] {Float.NaN}, new long[1]}) {
            assertThat(bytes().put(PREFIX + "scores", scores).tokenizer().vocabulary().score(5))
                    .isZero();
        }
    }

    @Test
    void anIdOutsideTheVocabularyIsMisuse() {
        Tokenizer tokenizer = bytes().tokenizer();
        for (int id : new int[] {-1, 257}) {
            assertThatThrownBy(() -> tokenizer.bytes(id))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("token " + id + " is not in the vocabulary of 257 tokens");
            assertThatThrownBy(() -> tokenizer.vocabulary().isEndOfGeneration(id))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    /** Values of the wrong kind in any combination give a tokenizer or a named exception, nothing else. */
    @Test
    void anyMixOfValuesIsReadOrRefused() {
        Random random = new Random(12);
        Object[] values = {
            1L,
            -1L,
            300L,
            1.5,
            true,
            "gpt2",
            "llama",
            "t5",
            "bert",
            "gemma4",
            new long[] {1, 2, 3},
            new long[300],
            new float[300],
            new double[3],
            new boolean[2],
            SketchedVocabulary.Strings.of("a b", "a", "", "<0x41>", "é")
        };
        int read = 0;
        for (int round = 0; round < 3000; round++) {
            SketchedVocabulary sketch = random.nextBoolean() ? bytes() : pieces();
            Metadata sound = sketch.metadata();
            Map<String, Object> keys = new HashMap<>();
            sound.keys().forEach(key -> keys.put(key, sound.get(key)));
            for (String key : new String[] {
                "model",
                "pre",
                "tokens",
                "scores",
                "token_type",
                "merges",
                "bos_token_id",
                "eos_token_id",
                "unknown_token_id",
                "seperator_token_id",
                "add_bos_token",
                "precompiled_charsmap",
                "suppress_tokens"
            }) {
                if (random.nextInt(6) == 0) {
                    keys.put(PREFIX + key, values[random.nextInt(values.length)]);
                }
            }
            try {
                Tokenizer tokenizer = Tokenizers.from(new Metadata("mix.gguf", keys));
                int[] ids = tokenizer.encode("a <s>é\n🙂 ab", Tokenizer.Options.PROMPT);
                assertThat(tokenizer.decode(ids)).isNotNull();
                read++;
            } catch (NibbleException e) {
                assertThat(e).hasMessageContaining("mix.gguf: tokenizer.");
            }
        }
        assertThat(read).isPositive();
    }
}
