package dev.nibble.cpu.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.nibble.LoadOptions;
import dev.nibble.cpu.kernel.KernelChecks;
import dev.nibble.cpu.kernel.KernelFamily;
import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.kernel.MatmulKernel;
import dev.nibble.cpu.kernel.MatmulOracle;
import dev.nibble.cpu.kernel.RandomWeights;
import dev.nibble.cpu.pool.WorkerPool;
import dev.nibble.cpu.repack.RepackMemory;
import dev.nibble.cpu.scalar.ScalarKernelFamily;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.IntUnaryOperator;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Tag("machine-code")
@DisabledIf(
        value = "dev.nibble.cpu.machine.MachineKernelTest#isTheUsualCode",
        disabledReason = "machine code for this processor has vectors of this width without being asked")
class MachineKernelTest {
    private static final WorkerPool POOL = new WorkerPool(2);
    private static final KernelFamily FAMILY = new MachineKernelFamily(new ScalarKernelFamily());

    static boolean isTheUsualCode() {
        int bits = Integer.getInteger("nibble.vector.bits", 0); // where there is no Vector API it is not set
        return bits != 0 && bits == FloatVector.SPECIES_PREFERRED.vectorBitSize();
    }

    @AfterAll
    static void closePool() {
        POOL.close();
    }

    @BeforeEach
    void needsMachineCode() {
        String failure = MachineKernelFamily.failure();
        assumeTrue(failure.isEmpty(), () -> "no machine code to be tested: " + failure);
    }

    static Stream<DType> quantizedTypes() {
        return Arrays.stream(DType.values()).filter(dtype -> Form.of(dtype) != null);
    }

    static Stream<DType> types() {
        return Stream.concat(quantizedTypes(), Stream.of(DType.F16, DType.BF16, DType.F32));
    }

    private static MatmulKernel kernel(Tensor weight) {
        MatmulKernel kernel = FAMILY.kernel(weight, LoadOptions.DEFAULT, RepackMemory.of(Arena.ofAuto()), POOL);
        boolean isAvx2 = !MachineCode.isArm64() && Integer.getInteger("nibble.vector.bits", 512) < 512;
        String code = isAvx2 ? "AVX2" : "";
        assertThat(kernel.description()).startsWith("machine code " + code).contains(weight.dtype() + ", 16 rows");
        return kernel;
    }

    /** Few inputs, each number of them; then tiles of each size, also two and three of them. */
    @ParameterizedTest
    @MethodSource("types")
    void agreesWithTheOracle(DType dtype) {
        int block = Math.max(dtype.blockSize(), Form.BLOCK);
        for (int inputs = 1; inputs <= 27; inputs++) {
            check(dtype, block, 1, inputs);
            check(dtype, 3 * block, 2 * Form.ROWS + 5, inputs);
        }
        if (dtype.blockSize() == 1) {
            for (int columns : new int[] {2, 4, 6, 10, 30}) { // no whole turns of the loop
                check(dtype, columns, Form.ROWS + 5, 1);
                check(dtype, columns, Form.ROWS + 5, 14);
            }
        }
        // longer than a piece of the packer, and with a short last piece
        check(dtype, 2304, 3 * Form.ROWS + 1, 1);
        check(dtype, 2304, 3 * Form.ROWS + 1, 14);
        // more groups than are multiplied together
        check(dtype, 2304, 40 * Form.ROWS + 1, 2);
        check(dtype, 2304, 40 * Form.ROWS + 1, 5);
    }

    private static void check(DType dtype, int columns, int rows, int inputs) {
        Random random = new Random(columns * 31L + rows * 7L + inputs);
        Tensor weight = RandomWeights.matrix(dtype, columns, rows, random);
        float[] x = RandomWeights.gaussian(inputs * columns, random);
        MatmulOracle.checkRearranged(FAMILY, weight, x, inputs, dtype.isQuantized(), POOL);
    }

    /** The largest activations and quants; scales nearly as large and as small as floats are. */
    @ParameterizedTest
    @MethodSource("quantizedTypes")
    void doesNotOverflow(DType dtype) {
        int columns = 256;
        for (byte quants : new byte[] {0, -1, -128, 0x77}) {
            for (int inputs : new int[] {1, 6}) {
                for (float value : new float[] {3.7f, -3.7f, 1e31f, -1e31f, 1e-29f, 0}) {
                    Tensor weight = RandomWeights.matrix(dtype, columns, 3, new Random(1));
                    RandomWeights.fillQuants(weight, quants);
                    float[] x = new float[inputs * columns];
                    Arrays.fill(x, value);
                    MatmulOracle.checkRearranged(FAMILY, weight, x, inputs, true, POOL);
                }
            }
        }
    }

    /** Each output is the same to the last bit however the outputs are cut into ranges. */
    @ParameterizedTest
    @MethodSource("types")
    void doesNotDependOnThePartition(DType dtype) {
        Random random = new Random(5);
        KernelChecks.doesNotDependOnThePartition(
                kernel(RandomWeights.matrix(dtype, 2 * 256, 5 * Form.ROWS + 2, random)), random, POOL);
    }

    /**
     * The outputs of an input row are the same to the last bit whatever rows are multiplied together with it: none, as many as fit
     * the kernels for few, tiles of every size. Rows of an input may be those of different matrices, as of experts.
     */
    @ParameterizedTest
    @MethodSource("types")
    void aRowDoesNotDependOnTheRowsBesideIt(DType dtype) {
        Random random = new Random(6);
        int columns = 3 * 256;
        int rows = 2 * Form.ROWS + 5;
        int inputs = 40;
        MatmulKernel kernel = kernel(RandomWeights.matrix(dtype, columns, rows, random));
        MatmulInput x = KernelChecks.input(inputs, columns, random);
        float[] alone = multiply(kernel, x, inputs, rows, i -> 1);
        for (int size = 2; size <= inputs; size++) {
            int count = size;
            assertThat(multiply(kernel, x, inputs, rows, i -> count))
                    .as(size + " at a time")
                    .isEqualTo(alone);
        }
        assertThat(multiply(kernel, x, inputs, rows, i -> 1 + i % 7))
                .as("mixed")
                .isEqualTo(alone);
        MatmulInput last = new MatmulInput(1, columns);
        System.arraycopy(x.values(), (inputs - 1) * columns, last.values(), 0, columns);
        last.reset(1, columns);
        assertThat(multiply(kernel, last, 1, rows, i -> 1))
                .as("in an input of its own")
                .isEqualTo(Arrays.copyOfRange(alone, (inputs - 1) * rows, inputs * rows));
    }

    private static float[] multiply(MatmulKernel kernel, MatmulInput x, int inputs, int rows, IntUnaryOperator count) {
        kernel.prepare(x, POOL);
        float[] y = new float[inputs * rows];
        for (int from = 0; from < inputs; ) {
            int size = Math.min(count.applyAsInt(from), inputs - from);
            kernel.multiply(x, from, size, y, from * rows, rows, 0, rows);
            from += size;
        }
        return y;
    }

    /** Scales that are no numbers, and inputs: an output must not look like a number then. */
    @ParameterizedTest
    @MethodSource("types")
    void aNumberThatIsNoneIsNotLost(DType dtype) {
        int columns = 256;
        MatmulKernel kernel = kernel(RandomWeights.matrix(dtype, columns, 2, new Random(9)));
        for (int inputs : new int[] {1, 5}) {
            for (float value : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
                MatmulInput x = new MatmulInput(inputs, columns);
                x.values()[40] = value;
                x.reset(inputs, columns);
                kernel.prepare(x, POOL);
                float[] y = new float[2 * inputs];
                kernel.multiply(x, 0, inputs, y, 0, 2, 0, 2);
                assertThat(Float.isFinite(y[0]) || Float.isFinite(y[1])).isFalse();
                assertThat(Arrays.copyOfRange(y, 2, y.length)).isEqualTo(new float[y.length - 2]);
            }
        }
    }

    /** The inverse of their scale is no float. */
    @ParameterizedTest
    @MethodSource("quantizedTypes")
    void inputsTooSmallToRoundAreZeros(DType dtype) {
        MatmulKernel kernel = kernel(RandomWeights.matrix(dtype, 256, 1, new Random(10)));
        MatmulInput x = new MatmulInput(1, 256);
        Arrays.fill(x.values(), 1e-38f);
        x.reset(1, 256);
        kernel.prepare(x, POOL);
        float[] y = {1};
        kernel.multiply(x, 0, 1, y, 0, 1, 0, 1);
        assertThat(y[0]).isZero();
    }

    @ParameterizedTest
    @MethodSource("quantizedTypes")
    void aScaleThatIsNoNumberIsNotLost(DType dtype) {
        if (Set.of(DType.MXFP4, DType.NVFP4, DType.IQ1_M).contains(dtype)) {
            return; // every scale is a number, or has its bits in several places
        }
        Tensor weight = RandomWeights.matrix(dtype, 256, 1, new Random(7));
        int at = switch (dtype) {
            case Q2_K -> 80;
            case Q3_K -> 108;
            case Q6_K -> 208;
            case TQ1_0 -> 52;
            case TQ2_0 -> 64;
            default -> 0;
        };
        short infinity = Float.floatToFloat16(Float.POSITIVE_INFINITY);
        weight.data().set(ValueLayout.JAVA_SHORT_UNALIGNED, at, infinity);
        MatmulKernel kernel = kernel(weight);
        for (int inputs : new int[] {1, 5}) {
            MatmulInput x = KernelChecks.input(inputs, 256, new Random(8));
            kernel.prepare(x, POOL);
            float[] y = new float[inputs];
            kernel.multiply(x, 0, inputs, y, 0, 1, 0, 1);
            for (float value : y) {
                assertThat(Float.isFinite(value)).isFalse();
            }
        }
    }

    /** Copies are kept in files: where this fails, a form changed, and {@link GroupKernel#LAYOUT} is to be changed. */
    @Test
    void aFormThatChangesHasAnotherName() {
        CRC32C crc = new CRC32C();
        types().forEach(dtype -> {
            Tensor weight = RandomWeights.matrix(dtype, 512, Form.ROWS + 3, new Random(14));
            List<MemorySegment> copies = new ArrayList<>();
            RepackMemory memory = bytes -> {
                MemorySegment copy = Arena.ofAuto().allocate(bytes, 64);
                copies.add(copy);
                return copy;
            };
            FAMILY.kernel(weight, LoadOptions.DEFAULT, memory, POOL);
            assertThat(copies).hasSize(1);
            crc.update(copies.getFirst().asByteBuffer());
        });
        assertThat(GroupKernel.LAYOUT + ": " + Long.toHexString(crc.getValue())).isEqualTo("machine 1: 15c827e7");
    }

    /** A file that is cut short while its weights are copied: the fault is the exception that a load translates. */
    @ParameterizedTest
    @MethodSource("types")
    void aFileThatIsCutShortWhileItIsCopiedFaults(DType dtype, @TempDir Path folder) throws IOException {
        Tensor weight = RandomWeights.matrix(dtype, 2048, 100 * Form.ROWS, new Random(15));
        KernelChecks.faultsWhereTheFileIsCutShort(
                weight, folder, (inFile, memory) -> FAMILY.kernel(inFile, LoadOptions.DEFAULT, memory, POOL));
        assertThat(kernel(weight).repackedBytes()).isPositive(); // the pool's threads live
    }

    static Stream<DType> halves() {
        return Stream.of(DType.F16, DType.BF16);
    }

    /** Subnormal numbers, the largest ones, infinities, NaN: each alone in a row, times 1. */
    @ParameterizedTest
    @MethodSource("halves")
    void everyHalfIsExact(DType dtype) {
        int rows = 1 << 16;
        Tensor weight = RandomWeights.matrix(dtype, 8, rows, new Random(12));
        weight.data().fill((byte) 0);
        for (int row = 0; row < rows; row++) {
            weight.data().set(ValueLayout.JAVA_SHORT_UNALIGNED, row * 16L + row % 8 * 2, (short) row);
        }
        MatmulKernel kernel = kernel(weight);
        MatmulInput x = new MatmulInput(1, 8);
        Arrays.fill(x.values(), 1);
        x.reset(1, 8);
        kernel.prepare(x, POOL);
        float[] y = new float[rows];
        kernel.multiply(x, 0, 1, y, 0, rows, 0, rows);
        for (int row = 0; row < rows; row++) {
            float value = dtype == DType.F16 ? Float.float16ToFloat((short) row) : Float.intBitsToFloat(row << 16);
            assertThat(Float.compare(y[row], value + 0f)).as("bits %x", row).isZero();
        }
    }
}
