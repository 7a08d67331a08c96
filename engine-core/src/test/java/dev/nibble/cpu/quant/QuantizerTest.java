package dev.nibble.cpu.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The quantizers keep the error bounds of ggml's tests/test-quantize-fns.cpp and their promises at the edges. */
class QuantizerTest {
    private static final int N = 4096;

    /** Types whose every value can be stored again without loss. */
    private static final Set<DType> EXACT =
            EnumSet.of(DType.F32, DType.F64, DType.F16, DType.BF16, DType.TQ1_0, DType.TQ2_0, DType.Q2_0, DType.Q1_0);

    static Stream<DType> quantizable() {
        return Stream.of(DType.values())
                .filter(dtype -> !dtype.isRemoved() && dtype != DType.Q8_1 && dtype != DType.Q8_K)
                .filter(dtype -> BlockFormat.of(dtype).canQuantize());
    }

    @Test
    void typesPeopleQuantizeToAreThere() {
        assertThat(quantizable())
                .contains(
                        DType.F16,
                        DType.BF16,
                        DType.Q8_0,
                        DType.Q4_0,
                        DType.Q4_1,
                        DType.Q5_0,
                        DType.Q5_1,
                        DType.Q4_K,
                        DType.Q5_K,
                        DType.Q6_K);
    }

    @ParameterizedTest
    @CsvSource({
        "F32, 0, 1e-5",
        "F64, 0, 1e-5",
        "F16, 1e-5, 0.002",
        "BF16, 1e-4, 0.002",
        "Q8_0, 0.002, 0.02",
        "Q4_0, 0.002, 0.02",
        "Q4_1, 0.002, 0.02",
        "Q5_0, 0.002, 0.02",
        "Q5_1, 0.002, 0.02",
        "Q6_K, 0.002, 0.02",
        "Q5_K, 0.002, 0.02",
        "Q4_K, 0.002, 0.02",
        "Q3_K, 0.004, 0.02",
        "Q2_K, 0.0075, 0.04",
        "IQ4_NL, 0.002, 0.02",
        "IQ4_XS, 0.002, 0.02",
        "MXFP4, 0.003, 0.03",
        "NVFP4, 0.003, 0.03",
        "TQ1_0, 0.01, 0.15",
        "TQ2_0, 0.01, 0.15",
        "Q2_0, 0.01, 0.15",
        "Q1_0, 0.025, 0.40",
    })
    void errorStaysWithinGgmlsBounds(DType dtype, double maxRms, double maxDot) {
        float[] x = cosine(0);
        float[] y = cosine(1);
        BlockFormat format = BlockFormat.of(dtype);
        MemorySegment data = quantize(format, x);
        float[] back = new float[N];
        format.dequantize(data, 0, back, 0, N);
        double squares = 0;
        double exact = 0;
        for (int i = 0; i < N; i++) {
            squares += ((double) x[i] - back[i]) * ((double) x[i] - back[i]);
            exact += (double) x[i] * y[i];
        }
        assertThat(Math.sqrt(squares) / N).as("error of %s", dtype).isLessThanOrEqualTo(maxRms);
        assertThat(Math.abs(format.dot(data, 0, y, 0, N) - exact) / N)
                .as("error of a product with %s", dtype)
                .isLessThanOrEqualTo(maxDot);
    }

    /** Root mean square error of normally distributed weights, relative to their deviation. */
    @ParameterizedTest
    @CsvSource({
        "Q8_0, 0.008", "Q6_K, 0.02", "Q5_K, 0.04", "Q5_1, 0.045", "Q5_0, 0.05", "Q4_K, 0.08", "Q4_1, 0.09",
        "Q4_0, 0.10", "IQ4_NL, 0.08", "IQ4_XS, 0.085", "MXFP4, 0.12", "NVFP4, 0.11", "Q3_K, 0.17", "Q2_K, 0.33"
    })
    void errorOfNormalWeightsIsSmall(DType dtype, double limit) {
        float[] x = normal(7, 0.02f);
        float[] back = roundTrip(BlockFormat.of(dtype), x);
        double error = 0;
        double total = 0;
        for (int i = 0; i < N; i++) {
            error += ((double) x[i] - back[i]) * ((double) x[i] - back[i]);
            total += (double) x[i] * x[i];
        }
        assertThat(Math.sqrt(error / total)).as(dtype.toString()).isLessThan(limit);
    }

    /** No value is further off than half a step of its block, give or take the rounding of the scale. */
    @ParameterizedTest
    @CsvSource({"Q8_0, 254", "Q5_1, 62", "Q4_1, 30", "Q5_0, 32", "Q4_0, 16"})
    void noValueIsFurtherOffThanItsStep(DType dtype, int halfSteps) {
        float[] x = normal(8, 3);
        float[] back = roundTrip(BlockFormat.of(dtype), x);
        boolean affine = dtype == DType.Q4_1 || dtype == DType.Q5_1;
        // The end of the range that a symmetric format cannot reach is a whole step away.
        double reach = dtype == DType.Q4_0 || dtype == DType.Q5_0 ? 2 : 1;
        for (int block = 0; block < N; block += 32) {
            float max = Rounding.max(x, block, 32);
            float min = Rounding.min(x, block, 32);
            double range = affine ? max - min : 2 * Rounding.maxAbs(x, block, 32);
            double rounding = Math.max(Math.abs(max), Math.abs(min)) * 0x1p-10;
            double bound = reach * range / 2 / halfSteps * (affine ? 2 : 1) + rounding;
            for (int i = block; i < block + 32; i++) {
                assertThat((double) Math.abs(x[i] - back[i]))
                        .as("%s value %d: %s became %s", dtype, i, x[i], back[i])
                        .isLessThanOrEqualTo(bound);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("quantizable")
    void zerosStayZeros(DType dtype) {
        for (float value : roundTrip(BlockFormat.of(dtype), new float[N])) {
            assertThat(Math.abs(value)).as(dtype.toString()).isEqualTo(0f);
        }
    }

    @ParameterizedTest
    @MethodSource("quantizable")
    void tinyAndConstantBlocksStayFiniteAndClose(DType dtype) {
        BlockFormat format = BlockFormat.of(dtype);
        for (float scale : new float[] {Float.MIN_VALUE, 1e-38f, 1e-20f, 1e-9f, 1e-7f, 1e-6f, 1e-4f}) {
            float[] x = normal(9, scale);
            Arrays.fill(x, 256, 512, scale);
            Arrays.fill(x, 512, 768, -scale);
            float max = Rounding.maxAbs(x, 0, N);
            for (float value : roundTrip(format, x)) {
                // Half the smallest subnormal half is the least a scale can be off.
                assertThat(Math.abs(value)).as("%s at %s", dtype, scale).isLessThanOrEqualTo(2 * max + 0x1p-18f);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("quantizable")
    void quantizingAgainChangesNothingWhereTheTypeIsExact(DType dtype) {
        if (!EXACT.contains(dtype)) {
            return;
        }
        BlockFormat format = BlockFormat.of(dtype);
        float[] once = roundTrip(format, normal(10, 1));
        assertThat(roundTrip(format, once)).containsExactly(once);
    }

    @ParameterizedTest
    @MethodSource("quantizable")
    void whatCannotBeStoredIsRefused(DType dtype) {
        BlockFormat format = BlockFormat.of(dtype);
        for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
            float[] x = normal(11, 1);
            x[300] = bad;
            if (dtype == DType.F32 || dtype == DType.F64) {
                assertThat(roundTrip(format, x)[300]).isEqualTo(Float.valueOf(bad));
            } else {
                assertThatThrownBy(() -> quantize(format, x))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContainingAll("value 300 is " + bad, dtype.name());
            }
        }
        float[] huge = normal(12, 1);
        huge[5] = Float.MAX_VALUE;
        huge[6] = -Float.MAX_VALUE;
        if (dtype != DType.F32 && dtype != DType.F64 && dtype != DType.MXFP4) {
            assertThatThrownBy(() -> quantize(format, huge))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("too large");
        } else {
            for (float value : roundTrip(format, huge)) {
                assertThat(value).isFinite();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("quantizable")
    void offsetsAreObservedAndNothingElseIsTouched(DType dtype) {
        BlockFormat format = BlockFormat.of(dtype);
        int count = 2 * dtype.blockSize();
        float[] x = normal(13, 1);
        int bytes = (int) dtype.byteSize(count);
        byte[] raw = new byte[bytes + 10];
        Arrays.fill(raw, (byte) 0x55);
        MemorySegment data = MemorySegment.ofArray(raw);
        format.quantize(x, 17, count, data, 3);
        byte[] plain = new byte[bytes];
        format.quantize(Arrays.copyOfRange(x, 17, 17 + count), 0, count, MemorySegment.ofArray(plain), 0);
        assertThat(Arrays.copyOfRange(raw, 3, 3 + bytes)).containsExactly(plain);
        assertThat(Arrays.copyOfRange(raw, 0, 3)).containsOnly(0x55);
        assertThat(Arrays.copyOfRange(raw, 3 + bytes, raw.length)).containsOnly(0x55);

        float[] out = new float[count + 20];
        Arrays.fill(out, 99);
        format.dequantize(data, 3, out, 11, count);
        float[] values = new float[count];
        format.dequantize(MemorySegment.ofArray(plain), 0, values, 0, count);
        assertThat(Arrays.copyOfRange(out, 11, 11 + count)).containsExactly(values);
        assertThat(Arrays.copyOfRange(out, 0, 11)).containsOnly(99);
        assertThat(Arrays.copyOfRange(out, 11 + count, out.length)).containsOnly(99);
    }

    @ParameterizedTest
    @MethodSource("quantizable")
    void dotIsTheProductOfTheValues(DType dtype) {
        BlockFormat format = BlockFormat.of(dtype);
        float[] y = normal(15, 1);
        MemorySegment data = quantize(format, normal(14, 1));
        int first = 2 * dtype.blockSize();
        int count = 9 * 256;
        float[] values = new float[N];
        format.dequantize(data, 0, values, 0, N);
        double expected = 0;
        for (int i = 0; i < count; i++) {
            expected += (double) values[first + i] * y[3 + i];
        }
        assertThat(format.dot(data, dtype.byteSize(first), y, 3, count)).isEqualTo((float) expected);
    }

    @Test
    void typesWithoutAQuantizerSayNo() {
        BlockFormat format = BlockFormat.of(DType.IQ2_XS);
        assertThat(format.canQuantize()).isFalse();
        assertThatThrownBy(() -> format.quantize(new float[256], 0, 256, MemorySegment.ofArray(new byte[74]), 0))
                .isInstanceOf(UnsupportedOperationException.class)
                .hasMessageContaining("IQ2_XS");
    }

    private static MemorySegment quantize(BlockFormat format, float[] x) {
        MemorySegment data = MemorySegment.ofArray(new byte[(int) format.dtype().byteSize(N)]);
        format.quantize(x, 0, N, data, 0);
        return data;
    }

    private static float[] roundTrip(BlockFormat format, float[] x) {
        float[] back = new float[N];
        format.dequantize(quantize(format, x), 0, back, 0, N);
        return back;
    }

    /** The data of ggml's test. */
    private static float[] cosine(float offset) {
        float[] x = new float[N];
        for (int i = 0; i < N; i++) {
            x[i] = 0.1f + 2 * (float) Math.cos(i + offset);
        }
        return x;
    }

    private static float[] normal(long seed, float deviation) {
        Random random = new Random(seed);
        float[] x = new float[N];
        for (int i = 0; i < N; i++) {
            x[i] = deviation * (float) random.nextGaussian();
        }
        return x;
    }
}
