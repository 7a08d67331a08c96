package dev.nibble.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Megabyte-long words through each algorithm as a whole: in seconds, where quadratic work would take hours. */
class LongTextTest {
    private static final int LENGTH = 1_000_000;

    static Stream<Arguments> tokenizers() {
        SketchedVocabulary bytes = SketchedVocabulary.ofBytes("llama3").put("tokenizer.ggml.add_bos_token", false);
        bytes.merge("a", "a").merge("aa", "aa").merge("a", "b").token("<|", TokenType.CONTROL);
        for (int length = 2; length < 40; length++) {
            bytes.token("=".repeat(length), TokenType.USER_DEFINED);
        }
        SketchedVocabulary gemma = new SketchedVocabulary("gemma4")
                .put("tokenizer.ggml.bos_token_id", 0L)
                .byteTokens()
                .token("a")
                .token("▁")
                .merge("a", "a")
                .merge("▁", "▁")
                .merge("▁▁", "▁▁");
        SketchedVocabulary pieces = new SketchedVocabulary("llama")
                .token("<unk>", TokenType.UNKNOWN)
                .token("<s>", TokenType.CONTROL)
                .token("</s>", TokenType.CONTROL)
                .byteTokens()
                .token("a", -1)
                .token("aa", -2)
                .token("aaaa", -3)
                .token("▁▁", -2);
        SketchedVocabulary words = new SketchedVocabulary("bert")
                .put("tokenizer.ggml.bos_token_id", 0L)
                .put("tokenizer.ggml.unknown_token_id", 0L)
                .put("tokenizer.ggml.seperator_token_id", 0L)
                .token("[UNK]", TokenType.UNKNOWN)
                .token("▁a")
                .token("a")
                .token("aaaaaaaa");
        SketchedVocabulary unigrams = new SketchedVocabulary("t5")
                .token("<pad>", TokenType.CONTROL)
                .token("</s>", TokenType.CONTROL)
                .token("<unk>", TokenType.UNKNOWN)
                .token("a", -2)
                .token("aaa", -3)
                .token("▁", -1);
        return Stream.of(bytes, gemma, pieces, words, unigrams)
                .map(SketchedVocabulary::tokenizer)
                .map(tokenizer -> Arguments.argumentSet(tokenizer.description(), tokenizer));
    }

    @ParameterizedTest
    @MethodSource("tokenizers")
    void areTokenizedInSeconds(Tokenizer tokenizer) {
        for (String unit : List.of("a", " ", "=", "<", "é", "\ud83d\ude42", "a b=<|c")) {
            assertTimeoutPreemptively(Duration.ofSeconds(30), () -> {
                int[] ids = tokenizer.encode(unit.repeat(LENGTH / unit.length()), Tokenizer.Options.TEMPLATE);
                assertThat(ids).hasSizeLessThanOrEqualTo(4 * LENGTH);
            });
        }
    }
}
