package dev.nibble.tornado;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.UnsupportedModelException;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Shape;
import dev.nibble.tensor.Tensor;
import dev.nibble.testdata.RandomBlocks;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;

/** Weights that stand in no file: all of them are copied. */
class WeightStoreTest {
    private static final int COLUMNS = 256;

    private static Tensor matrix(String name, DType type, int rows) {
        MemorySegment data = Arena.ofAuto().allocate(type.byteSize(COLUMNS) * rows);
        RandomBlocks.fill(type, 1, new SplittableRandom(1), data);
        return new Tensor(name, type, Shape.of(COLUMNS, rows), data);
    }

    @Test
    void spreadsRowsOverArraysAndKeepsAMatrixOnce() {
        Tensor matrix = matrix("m", DType.Q8_0, 10);
        WeightStore store = new WeightStore(List.of(matrix, matrix), List.of(), 2_000, 4 * 272 + 16);
        List<WeightStore.Piece> pieces = store.matrix(matrix);
        assertThat(pieces).extracting(WeightStore.Piece::array).containsExactly(0, 1, 1);
        assertThat(pieces).extracting(WeightStore.Piece::firstRow).containsExactly(0, 4, 8);
        assertThat(pieces).extracting(WeightStore.Piece::rows).containsExactly(4, 4, 2);
        List<ByteArray> arrays = store.fill(Arena.ofAuto());
        for (WeightStore.Piece piece : pieces) {
            MemorySegment array = arrays.get(piece.array()).getSegment();
            assertThat(array.asSlice(piece.offset(), piece.rows() * 272L)
                            .mismatch(matrix.data().asSlice(piece.firstRow() * 272L, piece.rows() * 272L)))
                    .isEqualTo(-1);
        }
        assertThat(store.copiedBytes()).isEqualTo(store.bytes()).isEqualTo(10 * 272);
        assertThat(store.mappedBytes()).isZero();
    }

    @Test
    void putsALayerIntoOneArray() {
        List<Tensor> layer = List.of(matrix("a", DType.Q8_0, 8), matrix("b", DType.Q4_0, 8));
        WeightStore store = new WeightStore(List.of(), List.of(layer, layer), 5_000, 5_000);
        assertThat(store.layer(0)).extracting(WeightStore.Piece::array).containsOnly(0);
        assertThat(store.layer(1)).extracting(WeightStore.Piece::array).containsOnly(1);
        List<Tensor> large = List.of(matrix("large", DType.F16, 10));
        assertThatThrownBy(() -> new WeightStore(List.of(), List.of(large), 5_000, 5_000))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining("large and those beside it take 5120 bytes, more than the 5000");
    }

    @Test
    void convertsWhatTheKernelsDoNotReadToTheNearestHalves() {
        for (DType type : List.of(DType.Q5_K, DType.BF16, DType.IQ4_XS)) {
            Tensor matrix = matrix("m", type, 3);
            WeightStore store = new WeightStore(List.of(), List.of(List.of(matrix)), 10_000, 10_000);
            assertThat(store.layer(0).getFirst().type()).isEqualTo(DType.F16);
            assertThat(store.converted()).containsExactly(type);
            assertThat(store.types()).containsExactly(DType.F16);
            float[] values = new float[3 * COLUMNS];
            matrix.dequantizeRows(0, 3, values, 0);
            MemorySegment array = store.fill(Arena.ofAuto()).getFirst().getSegment();
            for (int i = 0; i < values.length; i++) {
                short half = array.get(ValueLayout.JAVA_SHORT_UNALIGNED, 2L * i);
                assertThat(half).isEqualTo(Float.floatToFloat16(values[i]));
            }
        }
    }

    @Test
    void namesAWeightThatAHalfCannotHold() {
        Tensor matrix = matrix("m", DType.BF16, 1);
        matrix.data().set(ValueLayout.JAVA_SHORT_UNALIGNED, 6, (short) (Float.floatToIntBits(1e5f) >> 16));
        WeightStore store = new WeightStore(List.of(matrix), List.of(), 10_000, 10_000);
        assertThatThrownBy(() -> store.fill(Arena.ofAuto()))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageStartingWith("the backend tornado converts BF16 to F16, and m holds ");
    }
}
