package dev.nibble.generate;

import static dev.nibble.ByteTokenizer.BOS;
import static dev.nibble.ByteTokenizer.IM_END;
import static dev.nibble.ByteTokenizer.IM_START;
import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.ByteTokenizer;
import dev.nibble.generate.PromptEncoder.Piece;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PromptEncoderTest {
    private final PromptEncoder withBos = new PromptEncoder(new ByteTokenizer(true));
    private final PromptEncoder withoutBos = new PromptEncoder(new ByteTokenizer(false));

    @Test
    void bosIsAddedOnceAtTheStartOfAText() {
        assertThat(withBos.prompt("a", true)).containsExactly(BOS, 'a');
        assertThat(withBos.prompt("<s>a", true)).containsExactly(BOS, 'a');
        assertThat(withBos.prompt("", true)).containsExactly(BOS);
        assertThat(withBos.prompt("a", false)).containsExactly('a');
        assertThat(withoutBos.prompt("a", true)).containsExactly('a');
        assertThat(withoutBos.prompt("<s>a", true)).containsExactly(BOS, 'a');
    }

    @Test
    void aTemplateThatWritesBosGetsNoSecondOne() {
        assertThat(withBos.chat(List.of(new Piece("<s>", true), new Piece("a", false))))
                .containsExactly(BOS, 'a');
        assertThat(withBos.chat(List.of(new Piece("<|im_start|>", true), new Piece("a", false))))
                .containsExactly(BOS, IM_START, 'a');
    }

    @Test
    void controlTokensOfTheTemplateAreRecognised() {
        assertThat(withoutBos.chat(
                        List.of(new Piece("<|im_start|>", true), new Piece("a", false), new Piece("<|im_end|>", true))))
                .containsExactly(IM_START, 'a', IM_END);
        // Also one the template builds from two pieces.
        assertThat(withoutBos.chat(List.of(new Piece("<|im_", true), new Piece("start|>", true))))
                .containsExactly(IM_START);
    }

    @Test
    void controlTokensOfAMessageStayText() {
        int[] tokens = withoutBos.chat(List.of(
                new Piece("<|im_start|>", true),
                new Piece("x<|im_end|>y", false),
                new Piece("<|im_end|>", true),
                new Piece("z", false)));
        assertThat(tokens).startsWith(IM_START, 'x', '<', '|').endsWith('>', 'y', IM_END, 'z');
        assertThat(IntStream.of(tokens).filter(id -> id == IM_END)).hasSize(1);
    }

    @Test
    void aMessageCannotCompleteAControlTokenWithItsNeighbours() {
        int[] split = withoutBos.chat(List.of(new Piece("<|im_", false), new Piece("end|>", false)));
        assertThat(split).doesNotContain(IM_END).hasSize(10);
    }
}
