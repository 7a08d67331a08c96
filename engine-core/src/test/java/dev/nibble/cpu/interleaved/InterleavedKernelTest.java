package dev.nibble.cpu.interleaved;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.cpu.kernel.KernelChecks;
import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.kernel.MatmulOracle;
import dev.nibble.cpu.kernel.RandomWeights;
import dev.nibble.cpu.pool.WorkerPool;
import dev.nibble.cpu.repack.RepackMemory;
import dev.nibble.cpu.vector.VectorKernelFamily;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Tag("vector-width")
class InterleavedKernelTest {
    private static final WorkerPool POOL = new WorkerPool(2);

    @AfterAll
    static void closePool() {
        POOL.close();
    }

    private static InterleavedKernel kernel(Tensor weight) {
        return Objects.requireNonNull(
                InterleavedKernel.of(weight, RepackMemory.of(Arena.ofAuto()), POOL), weight::name);
    }

    /** One input is the decode kernel; from four on, weights are unpacked. */
    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"})
    void agreesWithTheOracle(DType dtype) {
        int block = dtype.blockSize();
        for (int inputs : new int[] {1, 2, 3, 4, 5, 8, 11}) {
            check(dtype, block, 1, inputs);
            check(dtype, 3 * block, 2 * Shorts.GROUP + 5, inputs);
            check(dtype, 2 * 256, 3 * Shorts.GROUP, inputs);
        }
        // longer than a piece, and with a short last piece
        check(dtype, 2304, Shorts.GROUP + 1, 1);
        check(dtype, 2304, Shorts.GROUP + 1, 6);
    }

    private static void check(DType dtype, int columns, int rows, int inputs) {
        Random random = new Random(columns * 31L + rows * 7L + inputs);
        Tensor weight = RandomWeights.matrix(dtype, columns, rows, random);
        assertThat(kernel(weight).description()).contains(dtype + ", " + Shorts.GROUP + " rows interleaved");
        float[] x = RandomWeights.gaussian(inputs * columns, random);
        checkWith(weight, x, inputs);
    }

    private static void checkWith(Tensor weight, float[] x, int inputs) {
        GroupLayout layout = Objects.requireNonNull(GroupLayout.of(weight.dtype()));
        boolean rounded =
                inputs < InterleavedKernel.MIN_BATCH ? !layout.quants().exact() : BatchLanes.areShorts(layout);
        MatmulOracle.checkRearranged(new VectorKernelFamily(), weight, x, inputs, rounded, POOL);
    }

    /** Types of levels: exact kernels, where a vector holds sixteen levels. */
    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"IQ4_NL", "IQ4_XS", "MXFP4"})
    void levelsAgreeWithTheOracle(DType dtype) {
        if (!TableQuants.SERVES) {
            assertThat(GroupLayout.of(dtype)).isNull();
            return;
        }
        agreesWithTheOracle(dtype);
    }

    /** The largest activations and quants: sums of 16 bits use their whole range, scales nearly that of floats. */
    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"})
    void doesNotOverflow(DType dtype) {
        int columns = 256;
        for (byte quants : new byte[] {0, -1, -128}) {
            for (int inputs : new int[] {1, 4}) {
                for (float value : new float[] {3.7f, -3.7f, 1e31f, -1e31f, 1e-29f}) {
                    Tensor weight = RandomWeights.matrix(dtype, columns, 3, new Random(1));
                    RandomWeights.fillQuants(weight, quants);
                    float[] x = new float[inputs * columns];
                    java.util.Arrays.fill(x, value);
                    checkWith(weight, x, inputs);
                }
            }
        }
    }

    /** Each output is the same to the last bit however the outputs are cut into ranges. */
    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"Q8_0", "Q4_0", "Q2_K", "Q3_K", "Q4_K", "Q6_K"})
    void doesNotDependOnThePartition(DType dtype) {
        Random random = new Random(5);
        KernelChecks.doesNotDependOnThePartition(
                kernel(RandomWeights.matrix(dtype, 2 * 256, 3 * Shorts.GROUP + 2, random)), random, POOL);
    }

    /** Rows of an input may be multiplied by different matrices, as those of experts are. */
    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"Q8_0", "Q4_0", "Q2_K", "Q3_K", "Q4_K", "Q6_K"})
    void multipliesSomeOfTheRows(DType dtype) {
        Random random = new Random(6);
        int columns = 256;
        int rows = Shorts.GROUP;
        InterleavedKernel kernel = kernel(RandomWeights.matrix(dtype, columns, rows, random));
        MatmulInput x = KernelChecks.input(11, columns, random);
        kernel.prepare(x, POOL);
        float[] whole = new float[11 * rows];
        kernel.multiply(x, 0, 11, whole, 0, rows, 0, rows);
        float[] parts = new float[11 * rows];
        kernel.multiply(x, 0, 6, parts, 0, rows, 0, rows);
        kernel.multiply(x, 6, 5, parts, 6 * rows, rows, 0, rows);
        assertThat(parts).isEqualTo(whole);
    }

    /** Executions of this test have native access, or have not: both ways to read are tested. */
    @Test
    void readsByAddressWhereThatIsAllowed() {
        assertThat(Shorts.readsByAddress()).isEqualTo(Boolean.getBoolean("nibble.test.address"));
    }

    @Test
    void isNotMadeOfAnUnusualScale() {
        Tensor weight = RandomWeights.matrix(DType.Q4_0, 64, 2, new Random(7));
        weight.data().set(ValueLayout.JAVA_SHORT_UNALIGNED, 18, Float.floatToFloat16(Float.POSITIVE_INFINITY));
        assertThat(InterleavedKernel.of(weight, RepackMemory.of(Arena.ofAuto()), POOL))
                .isNull();
        assertThat(InterleavedKernel.of(
                        RandomWeights.matrix(DType.F16, 64, 2, new Random(8)), RepackMemory.of(Arena.ofAuto()), POOL))
                .isNull();
    }

    @Test
    void aNumberThatIsNoneIsNotLost() {
        InterleavedKernel kernel = kernel(RandomWeights.matrix(DType.Q4_0, 64, 2, new Random(9)));
        for (int inputs : new int[] {1, 4}) {
            for (float value : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
                MatmulInput x = new MatmulInput(inputs, 64);
                x.values()[40] = value;
                x.reset(inputs, 64);
                kernel.prepare(x, POOL);
                float[] y = new float[2 * inputs];
                kernel.multiply(x, 0, inputs, y, 0, 2, 0, 2);
                // NaN, or of exact activations an infinity
                assertThat(Float.isFinite(y[0]) || Float.isFinite(y[1])).isFalse();
            }
        }
    }

    /** A file that is cut short while its weights are copied: the fault is the exception that a load translates. */
    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"Q8_0", "Q4_0", "Q4_K", "Q6_K"})
    void aFileThatIsCutShortWhileItIsCopiedFaults(DType dtype, @TempDir Path folder) throws IOException {
        Tensor weight = RandomWeights.matrix(dtype, 2048, 40 * Shorts.GROUP, new Random(15));
        KernelChecks.faultsWhereTheFileIsCutShort(
                weight, folder, (inFile, memory) -> InterleavedKernel.of(inFile, memory, POOL));
        assertThat(kernel(weight).repackedBytes()).isPositive(); // the pool's threads live
    }

    /** Copies are kept in files: where this fails, a layout changed, and {@link Packer#VERSION} is to be raised. */
    @Test
    void layoutsAreThoseOfTheirVersion() {
        CRC32C crc = new CRC32C();
        List<DType> types = new ArrayList<>(List.of(
                DType.Q4_0,
                DType.Q4_1,
                DType.Q5_0,
                DType.Q5_1,
                DType.Q8_0,
                DType.Q4_K,
                DType.Q5_K,
                DType.Q6_K,
                DType.Q2_K,
                DType.Q3_K));
        if (TableQuants.SERVES) {
            types.addAll(List.of(DType.IQ4_NL, DType.IQ4_XS, DType.MXFP4));
        }
        for (DType dtype : types) {
            Tensor weight = RandomWeights.matrix(dtype, 768, Shorts.GROUP + 3, new Random(9));
            crc.update(kernel(weight).data().asByteBuffer());
        }
        String expected = switch (Shorts.LANES) {
            case 8 -> "version 3: 7fe8ee33";
            case 16 -> "version 3: f701856f";
            default -> "version 3: f6c13910";
        };
        assertThat("version " + Packer.VERSION + ": " + Long.toHexString(crc.getValue()))
                .isEqualTo(expected);
    }
}
