package dev.nibble.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class SentencePieceTest {

    private static SketchedVocabulary vocabulary() {
        return new SketchedVocabulary("llama")
                .token("<unk>", TokenType.UNKNOWN)
                .token("<s>", TokenType.CONTROL)
                .token("</s>", TokenType.CONTROL)
                .byteTokens()
                .token("▁", -10)
                .token("a", -10)
                .token("b", -10)
                .token("ab", -2)
                .token("▁a", -1)
                .token("bb", -3)
                .token("▁ab", -9)
                .token("<tool>", TokenType.USER_DEFINED);
    }

    private static List<String> encode(SketchedVocabulary vocabulary, String text, Tokenizer.Options options) {
        Tokenizer tokenizer = vocabulary.tokenizer();
        return Arrays.stream(tokenizer.encode(text, options))
                .mapToObj(tokenizer.vocabulary()::text)
                .toList();
    }

    @Test
    void mergesTheHighestScoreFirst() {
        assertThat(encode(vocabulary(), "ab", Tokenizer.Options.PLAIN)).containsExactly("▁ab");
        assertThat(encode(vocabulary(), "abb", Tokenizer.Options.PLAIN)).containsExactly("▁a", "bb");
        assertThat(encode(vocabulary(), "bbab", Tokenizer.Options.PLAIN)).containsExactly("▁", "bb", "ab");
    }

    @Test
    void fallsBackToBytes() {
        assertThat(encode(vocabulary(), "aé", Tokenizer.Options.PLAIN)).containsExactly("▁a", "<0xC3>", "<0xA9>");
    }

    @Test
    void withoutByteTokensWhatHasNoTokenIsUnknown() {
        SketchedVocabulary vocabulary = new SketchedVocabulary("llama")
                .token("<unk>", TokenType.UNKNOWN)
                .token("<s>", TokenType.CONTROL)
                .token("</s>", TokenType.CONTROL)
                .token("▁")
                .token("a");
        assertThat(encode(vocabulary, "a!", Tokenizer.Options.PLAIN)).containsExactly("▁", "a", "<unk>");
    }

    @Test
    void putsASpaceBeforeTheTextAndBehindSpecialTokens() {
        assertThat(encode(vocabulary(), "a<tool>a", Tokenizer.Options.PROMPT))
                .containsExactly("<s>", "▁a", "<tool>", "▁a");
        assertThat(encode(
                        vocabulary().put("tokenizer.ggml.add_space_prefix", false),
                        "a<tool>a",
                        Tokenizer.Options.PROMPT))
                .containsExactly("<s>", "a", "<tool>", "a");
    }

    @Test
    void decodesWhatItEncodes() {
        Tokenizer tokenizer = vocabulary().tokenizer();
        for (String text : List.of("ab  a", " a", "", "é🙂 b\n")) {
            assertThat(tokenizer.decode(tokenizer.encode(text, Tokenizer.Options.PROMPT)))
                    .isEqualTo(text);
        }
    }
}
