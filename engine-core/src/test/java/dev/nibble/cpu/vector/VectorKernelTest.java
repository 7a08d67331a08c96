package dev.nibble.cpu.vector;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.LoadOptions;
import dev.nibble.cpu.kernel.KernelFamily;
import dev.nibble.cpu.kernel.KernelSettings;
import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.kernel.MatmulOracle;
import dev.nibble.cpu.kernel.RandomWeights;
import dev.nibble.cpu.kernel.WorstError;
import dev.nibble.cpu.pool.Scratch;
import dev.nibble.cpu.pool.WorkerPool;
import dev.nibble.cpu.repack.RepackMemory;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Tag("vector-width")
class VectorKernelTest {
    private static final WorkerPool POOL = new WorkerPool(2);
    private static final KernelFamily FAMILY = new VectorKernelFamily();

    @AfterAll
    static void closePool() {
        POOL.close();
    }

    @Test
    void runsAtTheForcedWidth() {
        String forced = System.getProperty(KernelSettings.VECTOR_BITS);
        assertThat(FAMILY.description()).contains(forced == null ? Integer.toString(Lanes.F.vectorBitSize()) : forced);
    }

    /** One input is the decode kernel, a few share dequantized rows, from {@link Gemm#MIN_ROWS} on the packed ones. */
    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {
                "F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K",
                "IQ4_NL", "IQ4_XS", "MXFP4", "IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S",
                "TQ1_0", "TQ2_0"
            })
    void agreesWithTheOracle(DType dtype) {
        int[] inputCounts = {
            1, 2, 4, 5, Gemm.MIN_ROWS - 1, Gemm.MIN_ROWS, Lanes.COUNT, 2 * Lanes.COUNT, 2 * Lanes.COUNT + 3
        };
        int block = dtype.blockSize();
        for (int inputs : inputCounts) {
            check(dtype, block == 1 ? 37 : block, 1, inputs);
            check(dtype, 3 * Math.max(block, 32), 55, inputs);
        }
        check(dtype, 11 * Math.max(block, 32), 13, 7);
        check(dtype, 11 * Math.max(block, 32), 13, 1);
        // longer than one piece of a row
        check(dtype, 2304 / Math.max(block, 32) * Math.max(block, 32), 2, 5);
    }

    private static void check(DType dtype, int columns, int rows, int inputs) {
        Random random = new Random(columns * 31L + rows * 7L + inputs);
        Tensor weight = RandomWeights.matrix(dtype, columns, rows, random);
        MatmulOracle.check(FAMILY, weight, RandomWeights.gaussian(inputs * columns, random), inputs, POOL);
    }

    /** Each output is the same to the last bit however the outputs are cut into ranges. */
    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"F32", "Q8_0", "Q4_0"})
    void doesNotDependOnThePartition(DType dtype) {
        Random random = new Random(5);
        int columns = 320;
        int rows = 61;
        var kernel = FAMILY.kernel(
                RandomWeights.matrix(dtype, columns, rows, random),
                LoadOptions.EXACT,
                RepackMemory.of(Arena.ofAuto()),
                POOL);
        for (int inputs : new int[] {1, 3, 6, Lanes.COUNT + 1}) {
            MatmulInput x = new MatmulInput(inputs, columns);
            System.arraycopy(RandomWeights.gaussian(inputs * columns, random), 0, x.values(), 0, inputs * columns);
            x.reset(inputs, columns);
            kernel.prepare(x, POOL);
            float[] whole = new float[inputs * rows];
            kernel.multiply(x, 0, inputs, whole, 0, rows, 0, rows);
            float[] parts = new float[inputs * rows];
            for (int from = 0; from < rows; from += 7) {
                kernel.multiply(x, 0, inputs, parts, 0, rows, from, Math.min(rows, from + 7));
            }
            assertThat(parts).isEqualTo(whole);
        }
    }

    /** What the batch path reads is what the format says, but for the rounding of one fused multiply-add. */
    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {
                "F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K",
                "IQ4_NL", "IQ4_XS", "MXFP4", "IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S",
                "TQ1_0", "TQ2_0"
            })
    void dequantizesAsTheFormat(DType dtype) {
        int columns = 4 * Math.max(dtype.blockSize(), 16) + (dtype.blockSize() == 1 ? 3 : 0);
        Tensor weight = RandomWeights.matrix(dtype, columns, 9, new Random(3));
        RowKernel kernel = (RowKernel) FAMILY.kernel(weight, LoadOptions.EXACT, RepackMemory.of(Arena.ofAuto()), POOL);
        WorstError error = new WorstError(dtype + " dequantization");
        for (int n = 0; n < 9; n++) {
            float[] expected = RandomWeights.row(weight, n);
            float[] actual = new float[columns + 2];
            kernel.dequantize(kernel.offsetOf(n, 0), actual, 2, columns, new Scratch());
            float largest = 0;
            for (float value : expected) {
                largest = Math.max(largest, Math.abs(value));
            }
            for (int k = 0; k < columns; k++) {
                error.add("row " + n + " column " + k, expected[k], actual[2 + k], 0x1p-22 * largest);
            }
        }
        error.check();
    }
}
