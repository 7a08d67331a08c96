package dev.nibble.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class WordPieceTest {

    private static SketchedVocabulary vocabulary() {
        return new SketchedVocabulary("bert")
                .token("[UNK]", TokenType.UNKNOWN)
                .token("[CLS]", TokenType.CONTROL)
                .token("[SEP]", TokenType.CONTROL)
                .put("tokenizer.ggml.unknown_token_id", 0L)
                .put("tokenizer.ggml.bos_token_id", 1L)
                .put("tokenizer.ggml.seperator_token_id", 2L)
                .token("▁play")
                .token("▁player")
                .token("er")
                .token("s")
                .token("▁eleve")
                .token("▁,")
                .token("▁中");
    }

    private static List<String> encode(SketchedVocabulary vocabulary, String text) {
        Tokenizer tokenizer = vocabulary.tokenizer();
        return Arrays.stream(tokenizer.encode(text, Tokenizer.Options.PLAIN))
                .mapToObj(tokenizer.vocabulary()::text)
                .toList();
    }

    @Test
    void coversWordsWithTheLongestTokens() {
        assertThat(encode(vocabulary(), "players  play")).containsExactly("▁player", "s", "▁play");
    }

    @Test
    void aWordThatCannotBeCoveredIsUnknown() {
        assertThat(encode(vocabulary(), "play playx play")).containsExactly("▁play", "[UNK]", "▁play");
    }

    @Test
    void normalizes() {
        assertThat(encode(vocabulary(), "Élève\u200b,PLAY")).containsExactly("▁eleve", "▁,", "▁play");
        assertThat(encode(vocabulary(), "中中")).containsExactly("▁中", "▁中");
        assertThat(encode(vocabulary().put("tokenizer.ggml.normalizer.lowercase", false), "Play play"))
                .containsExactly("[UNK]", "▁play");
        assertThat(encode(vocabulary().put("tokenizer.ggml.normalizer.strip_accents", false), "élève"))
                .containsExactly("[UNK]");
    }

    @Test
    void framesTheText() {
        Tokenizer tokenizer = vocabulary().tokenizer();
        assertThat(tokenizer.encode("play", Tokenizer.Options.PROMPT)).containsExactly(1, 3, 2);
        assertThat(tokenizer.decode(new int[] {1, 4, 6, 3, 2})).isEqualTo("players play");
    }
}
