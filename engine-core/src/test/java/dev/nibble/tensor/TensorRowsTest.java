package dev.nibble.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.cpu.quant.BlockFormat;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class TensorRowsTest {
    private final float[] values = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    private final Tensor tensor = new Tensor("t", DType.F32, Shape.of(3, 2, 2), bytes(values));

    private static MemorySegment bytes(float[] values) {
        MemorySegment data = MemorySegment.ofArray(new byte[values.length * 4]);
        BlockFormat.of(DType.F32).quantize(values, 0, values.length, data, 0);
        return data;
    }

    @Test
    void rowsOfAllDimensionsFollowEachOther() {
        float[] out = new float[8];
        tensor.dequantizeRows(1, 2, out, 1);
        assertThat(out).containsExactly(0, 4, 5, 6, 7, 8, 9, 0);
        tensor.dequantizeRows(4, 0, out, 8);
        assertThat(out).containsExactly(0, 4, 5, 6, 7, 8, 9, 0);
    }

    @Test
    void aRowRangeIsAMatrixOfItsOwn() {
        float[] out = new float[3];
        tensor.rowRange(2, 2).dequantizeRows(1, 1, out, 0);
        assertThat(out).containsExactly(10, 11, 12);
    }

    @Test
    void aRowRangeStandsWhereItsRowsStand() {
        Path file = Path.of("m.gguf");
        Tensor stored = new Tensor("t", DType.F32, tensor.shape(), tensor.data(), new Tensor.Place(file, 1000));
        assertThat(stored.rowRange(2, 2).place()).isEqualTo(new Tensor.Place(file, 1024));
        assertThat(tensor.rowRange(2, 2).place()).isNull();
    }

    @Test
    void rowsThatAreNotThereAreRefused() {
        float[] out = new float[12];
        assertThatThrownBy(() -> tensor.dequantizeRows(3, 2, out, 0))
                .isInstanceOf(IndexOutOfBoundsException.class)
                .hasMessage("t: rows 3 to 5 of 4");
        assertThatThrownBy(() -> tensor.dequantizeRows(-1, 1, out, 0)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> tensor.dequantizeRows(0, -1, out, 0)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> tensor.dequantizeRows(0, 4, out, 1))
                .isInstanceOf(IndexOutOfBoundsException.class)
                .hasMessageContaining("12 values do not fit");
    }
}
