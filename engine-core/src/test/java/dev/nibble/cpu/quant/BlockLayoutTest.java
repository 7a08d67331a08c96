package dev.nibble.cpu.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.UnsupportedModelException;
import dev.nibble.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Field;
import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The layout constants are those of ggml-common.h, and every type has a format or a reason why not. */
class BlockLayoutTest {
    private static final Set<DType> ACTIVATIONS_ONLY = EnumSet.of(DType.Q8_1, DType.Q8_K);

    @ParameterizedTest
    @CsvSource({
        "Q4_0, 32, 18, D=0 QS=2",
        "Q4_1, 32, 20, D=0 M=2 QS=4",
        "Q5_0, 32, 22, D=0 QH=2 QS=6",
        "Q5_1, 32, 24, D=0 M=2 QH=4 QS=8",
        "Q8_0, 32, 34, D=0 QS=2",
        "Q2_K, 256, 84, SCALES=0 QS=16 D=80 DMIN=82",
        "Q3_K, 256, 110, HMASK=0 QS=32 SCALES=96 D=108",
        "Q4_K, 256, 144, D=0 DMIN=2 SCALES=4 QS=16",
        "Q5_K, 256, 176, D=0 DMIN=2 SCALES=4 QH=16 QS=48",
        "Q6_K, 256, 210, QL=0 QH=128 SCALES=192 D=208",
        "IQ4_NL, 32, 18, D=0 QS=2",
        "IQ4_XS, 256, 136, D=0 SCALES_H=2 SCALES_L=4 QS=8",
        "IQ3_S, 256, 110, D=0 QS=2 QH=66 SIGNS=74 SCALES=106",
        "IQ3_XXS, 256, 98, D=0 QS=2 SCALES_SIGNS=66",
        "IQ2_S, 256, 82, D=0 QS=2 SIGNS=34 QH=66 SCALES=74",
        "IQ2_XS, 256, 74, D=0 QS=2 SCALES=66",
        "IQ2_XXS, 256, 66, D=0 QS=2",
        "IQ1_S, 256, 50, D=0 QS=2 QH=34",
        "IQ1_M, 256, 56, QS=0 QH=32 SCALES=48",
        "TQ1_0, 256, 54, QS=0 QH=48 D=52",
        "TQ2_0, 256, 66, QS=0 D=64",
        "MXFP4, 32, 17, E=0 QS=1",
        "NVFP4, 64, 36, D=0 QS=4",
        "Q1_0, 128, 18, D=0 QS=2",
        "Q2_0, 64, 18, D=0 QS=2",
    })
    void constantsAreTheLayout(DType dtype, int blockSize, int blockBytes, String offsets) throws Exception {
        Class<?> format = BlockFormat.of(dtype).getClass();
        assertThat(format.getSimpleName()).isEqualTo(dtype.name());
        assertThat(constant(format, "BLOCK_SIZE")).isEqualTo(blockSize).isEqualTo(dtype.blockSize());
        assertThat(constant(format, "BLOCK_BYTES")).isEqualTo(blockBytes).isEqualTo(dtype.blockBytes());
        for (String offset : offsets.split(" ")) {
            String[] parts = offset.split("=");
            assertThat(constant(format, parts[0])).as(offset).isEqualTo(Integer.parseInt(parts[1]));
        }
    }

    private static int constant(Class<?> format, String name) throws ReflectiveOperationException {
        Field field = format.getDeclaredField(name);
        field.setAccessible(true);
        return field.getInt(null);
    }

    @ParameterizedTest
    @EnumSource(DType.class)
    void everyTypeHasAFormatOrIsRefusedByName(DType dtype) {
        if (dtype.isRemoved()) {
            assertThatThrownBy(() -> BlockFormat.of(dtype))
                    .isInstanceOf(UnsupportedModelException.class)
                    .hasMessageContainingAll(dtype.name(), "was removed", dtype.remedy());
        } else if (ACTIVATIONS_ONLY.contains(dtype)) {
            assertThatThrownBy(() -> BlockFormat.of(dtype))
                    .isInstanceOf(UnsupportedModelException.class)
                    .hasMessageContainingAll(dtype.name(), "activations");
        } else {
            assertThat(BlockFormat.of(dtype).dtype()).isEqualTo(dtype);
            assertThat(BlockFormat.of(dtype)).hasToString(dtype.name());
        }
    }

    @Test
    void plainNumbersAreReadAsTheNearestFloat() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = arena.allocate(64);
            data.set(LittleEndian.LONG, 1, 0x0102_0304_0506_0708L);
            data.set(LittleEndian.DOUBLE, 17, 0.1);
            assertThat(read(DType.I8, data, 1)).isEqualTo(8);
            assertThat(read(DType.I16, data, 1)).isEqualTo(0x0708);
            assertThat(read(DType.I32, data, 1)).isEqualTo((float) 0x0506_0708);
            assertThat(read(DType.I64, data, 1)).isEqualTo((float) 0x0102_0304_0506_0708L);
            assertThat(read(DType.F64, data, 17)).isEqualTo(0.1f);
            data.fill((byte) 0xFE);
            assertThat(read(DType.I8, data, 1)).isEqualTo(-2);
            assertThat(read(DType.I16, data, 1)).isEqualTo((short) 0xFEFE);
            assertThat(read(DType.I32, data, 1)).isEqualTo((float) 0xFEFE_FEFE);
            assertThat(read(DType.I64, data, 1)).isEqualTo((float) 0xFEFE_FEFE_FEFE_FEFEL);
        }
    }

    private static float read(DType dtype, MemorySegment data, long offset) {
        float[] out = new float[1];
        BlockFormat.of(dtype).dequantize(data, offset, out, 0, 1);
        return out[0];
    }

    @Test
    void rangesAreChecked() {
        BlockFormat format = BlockFormat.of(DType.Q8_0);
        MemorySegment data = MemorySegment.ofArray(new byte[68]);
        float[] values = new float[64];
        format.dequantize(data, 0, values, 0, 64);
        assertThatThrownBy(() -> format.dequantize(data, 0, values, 0, 33))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("33 elements do not fill blocks of 32 (Q8_0)");
        assertThatThrownBy(() -> format.dequantize(data, 0, values, 0, -32))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> format.dequantize(data, 1, values, 0, 64))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> format.dequantize(data, -34, values, 0, 64))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> format.dequantize(data, 0, values, 1, 64))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> format.quantize(values, 0, 64, data, 1)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> format.quantize(values, 1, 64, data, 0)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> format.dot(data, 0, values, 1, 64)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> format.dot(data, 1, values, 0, 64)).isInstanceOf(IndexOutOfBoundsException.class);
    }
}
