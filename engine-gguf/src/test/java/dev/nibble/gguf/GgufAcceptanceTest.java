package dev.nibble.gguf;

import static dev.nibble.gguf.Parsing.alignment;
import static dev.nibble.gguf.Parsing.parse;
import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.tensor.DType;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** What is unusual and still right. */
class GgufAcceptanceTest {
    private static GgufParser.Place place(GgufParser.Contents contents, String name) {
        return Objects.requireNonNull(contents.tensors().get(name));
    }

    @Test
    void nothing() {
        assertThat(parse(new GgufBytes()).tensors()).isEmpty();
        assertThat(parse(new GgufBytes().version(2)).version()).isEqualTo(2);
    }

    @Test
    void alignments() {
        for (int value = 1; value <= GgufParser.MAX_ALIGNMENT; value *= 2) {
            GgufBytes bytes = alignment(value)
                    .alignment(value)
                    .tensor("t", DType.I8, 0, 1)
                    .data(1);
            GgufParser.Contents contents = parse(bytes);
            assertThat(contents.alignment()).isEqualTo(value);
            assertThat(contents.dataStart() % value).isZero();
        }
    }

    @Test
    void zeroDimension() {
        GgufParser.Contents contents = parse(new GgufBytes()
                .tensor("t", DType.F32, 0, 8, 0)
                .tensor("u", DType.F32, 0, 8)
                .data(32));
        assertThat(place(contents, "t").byteSize()).isZero();
        assertThat(place(contents, "u").offset()).isZero();
    }

    @Test
    void noDimensionsIsOneElement() {
        GgufParser.Contents contents =
                parse(new GgufBytes().tensor("t", DType.F32, 0).data(4));
        assertThat(place(contents, "t").byteSize()).isEqualTo(4);
    }

    @Test
    void dataWithoutItsLastPadding() {
        assertThat(parse(new GgufBytes().tensor("t", DType.I8, 0, 5).data(5)).tensors())
                .hasSize(1);
    }

    @Test
    void bytesAfterTheData() {
        assertThat(parse(new GgufBytes().tensor("t", DType.I8, 0, 5).data(500)).tensors())
                .hasSize(1);
    }
}
