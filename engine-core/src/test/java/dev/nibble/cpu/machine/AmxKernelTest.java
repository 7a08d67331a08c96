package dev.nibble.cpu.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.nibble.LoadOptions;
import dev.nibble.cpu.kernel.KernelChecks;
import dev.nibble.cpu.kernel.KernelFamily;
import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.kernel.MatmulKernel;
import dev.nibble.cpu.kernel.RandomWeights;
import dev.nibble.cpu.pool.WorkerPool;
import dev.nibble.cpu.quant.BlockFormat;
import dev.nibble.cpu.repack.RepackMemory;
import dev.nibble.cpu.scalar.ScalarKernelFamily;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What the code for tiles computes, run by {@link X64Interpreter}, so that no processor has to have them. */
@Tag("machine-code")
@DisabledIf(
        value = "dev.nibble.cpu.machine.MachineKernelTest#isTheUsualCode",
        disabledReason = "machine code for this processor has vectors of this width without being asked")
class AmxKernelTest {
    private static final WorkerPool POOL = new WorkerPool(2);

    @AfterAll
    static void closePool() {
        POOL.close();
    }

    @BeforeEach
    void needsMachineCode() {
        String failure = MachineKernelFamily.failure();
        assumeTrue(failure.isEmpty(), () -> "no machine code to be tested: " + failure);
    }

    static Stream<DType> types() {
        return Stream.concat(MachineKernelTest.quantizedTypes(), Stream.of(DType.F16, DType.BF16));
    }

    private static GroupKernel kernel(Tensor weight) {
        RepackMemory memory = RepackMemory.of(Arena.ofAuto());
        DType dtype = weight.dtype();
        Form form = Form.of(dtype);
        if (form == null) {
            AmxCode tiles = AmxCode.ofHalves(dtype, X64Interpreter::new);
            return HalfKernel.of(weight, new HalfCode(dtype), tiles, memory, POOL);
        }
        return MachineKernel.of(weight, new KernelCode(form), AmxCode.of(form, X64Interpreter::new), memory, POOL);
    }

    private static MachineKernelFamily family() {
        return new MachineKernelFamily(new ScalarKernelFamily(), Form::of, X64Interpreter::new);
    }

    @ParameterizedTest
    @MethodSource("types")
    void theSelfCheckAcceptsTheCode(DType dtype) {
        Tensor weight = RandomWeights.matrix(dtype, 512, Form.ROWS, new Random(11));
        assertThat(SelfCheck.failure(kernel(weight), weight, POOL)).isEmpty();
    }

    /** Of each type a block whose quants are others than those it is compared with, of one row. */
    @ParameterizedTest
    @MethodSource("types")
    void theSelfCheckFindsOneBlockThatDiffers(DType dtype) {
        Tensor weight = RandomWeights.matrix(dtype, 512, Form.ROWS, new Random(12));
        GroupKernel kernel = kernel(weight);
        Tensor other = SelfCheck.sample(weight);
        Random random = new Random(13);
        int changed = Math.max(32, dtype.blockSize());
        Tensor block = RandomWeights.matrix(dtype, changed, 1, random);
        other.data().asSlice(5 * other.rowBytes()).copyFrom(block.data().asSlice(0, dtype.byteSize(changed)));
        assertThat(SelfCheck.failure(kernel, other, POOL)).contains(", row 5, ");
    }

    /** Groups that are odd in number, rows that a group lacks, columns in several parts of unequal length. */
    @ParameterizedTest
    @MethodSource("types")
    void outputsAreThoseOfTheWeightsWithinTheRoundingOfBfloat16(DType dtype) {
        Random random = new Random(14);
        int columns = 5 * Form.SUPER_BLOCK;
        int rows = 2 * Form.ROWS + 3;
        int inputs = 21;
        Tensor weight = RandomWeights.matrix(dtype, columns, rows, random);
        MatmulInput x = KernelChecks.input(inputs, columns, random);
        GroupKernel kernel = kernel(weight);
        kernel.prepare(x, POOL);
        float[] y = new float[inputs * rows];
        kernel.multiply(x, 0, inputs, y, 0, rows, 0, rows);
        float[] weights = new float[columns];
        for (int row = 0; row < rows; row++) {
            BlockFormat.of(dtype).dequantize(weight.data(), row * weight.rowBytes(), weights, 0, columns);
            for (int input = 0; input < inputs; input++) {
                double expected = 0;
                double squares = 0;
                for (int k = 0; k < columns; k++) {
                    double product = (double) weights[k] * x.values()[input * columns + k];
                    expected += product;
                    squares += product * product;
                }
                // each product is off by less than 2^-8 of itself, on either side: six times what that adds up to
                double bound = 6 * 0x1p-8 * Math.sqrt(squares);
                assertThat(Math.abs(y[input * rows + row] - expected))
                        .as("row %d, input %d: %s for %s", row, input, y[input * rows + row], expected)
                        .isLessThan(bound);
            }
        }
        x.close();
    }

    /** More than pass unpacked weights together, and each number that has rows lacking or not. */
    @ParameterizedTest
    @MethodSource("shapes")
    void anOutputDoesNotDependOnHowManyInputsThereAre(DType dtype) {
        Random random = new Random(15);
        int columns = 256;
        int most = AmxProduct.MOST_INPUTS + 9;
        Tensor weight = RandomWeights.matrix(dtype, columns, Form.ROWS + 1, random);
        int rows = (int) weight.rows();
        GroupKernel kernel = kernel(weight);
        MatmulInput x = KernelChecks.input(most, columns, random);
        kernel.prepare(x, POOL);
        float[] all = new float[most * rows];
        kernel.multiply(x, 0, most, all, 0, rows, 0, rows);
        for (int inputs : new int[] {8, 16, 17, 31, 32, 33, 48}) {
            int first = most - inputs; // to the last one, behind which there is none
            float[] some = new float[inputs * rows];
            kernel.multiply(x, first, inputs, some, 0, rows, 0, rows);
            assertThat(some)
                    .as("%d inputs", inputs)
                    .containsExactly(Arrays.copyOfRange(all, first * rows, most * rows));
        }
        KernelChecks.doesNotDependOnThePartition(kernel, random, POOL);
        x.close();
    }

    static Stream<DType> shapes() {
        return Stream.of(DType.Q4_K, DType.Q8_0, DType.F16);
    }

    @Test
    void fewInputsAreMultipliedAsWithoutTiles() {
        Random random = new Random(16);
        Tensor weight = RandomWeights.matrix(DType.Q4_K, 512, Form.ROWS, random);
        MatmulKernel plain = MachineKernel.of(
                weight,
                new KernelCode(Objects.requireNonNull(Form.of(DType.Q4_K))),
                RepackMemory.of(Arena.ofAuto()),
                POOL);
        MatmulKernel tiled = kernel(weight);
        for (int inputs = 1; inputs < AmxProduct.LEAST_INPUTS; inputs++) {
            MatmulInput x = KernelChecks.input(inputs, 512, random);
            assertThat(multiply(tiled, x)).isEqualTo(multiply(plain, x));
            x.close();
        }
    }

    private static float[] multiply(MatmulKernel kernel, MatmulInput x) {
        kernel.prepare(x, POOL);
        float[] y = new float[x.rows() * kernel.rows()];
        kernel.multiply(x, 0, x.rows(), y, 0, kernel.rows(), 0, kernel.rows());
        return y;
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void aModelThatIsToBeReproducibleHasNoTiles(DType dtype) {
        Tensor weight = RandomWeights.matrix(dtype, 512, Form.ROWS, new Random(17));
        KernelFamily family = family();
        MatmulKernel fast = load(family, weight, LoadOptions.DEFAULT);
        assertThat(fast.isBatchInvariant()).isFalse();
        assertThat(fast.description()).contains("AMX");
        MatmulKernel reproducible = load(family, weight, LoadOptions.DEFAULT.withReproducible(true));
        assertThat(reproducible.isBatchInvariant()).isTrue();
        assertThat(reproducible.description()).doesNotContain("AMX");
    }

    private static MatmulKernel load(KernelFamily family, Tensor weight, LoadOptions options) {
        return family.kernel(weight, options, RepackMemory.of(Arena.ofAuto()), POOL);
    }

    /** On a processor that does something else where it should add products. */
    @Test
    void codeForTilesThatIsWrongIsNotUsedAndTheRestIs() {
        KernelFamily family = new MachineKernelFamily(
                new ScalarKernelFamily(), Form::of, code -> new X64Interpreter(code, sum -> sum * 1.01f));
        Tensor weight = RandomWeights.matrix(DType.Q4_0, 512, Form.ROWS, new Random(18));
        MatmulKernel kernel = load(family, weight, LoadOptions.DEFAULT);
        assertThat(kernel.description()).startsWith("machine code").doesNotContain("AMX");
        assertThat(kernel.isBatchInvariant()).isTrue();
    }

    @Test
    void tilesAreOffUnlessTheyAreAskedFor() {
        assumeTrue(System.getProperty("nibble.amx", "").isEmpty(), "tiles are asked for");
        assertThat(AmxAccess.isGranted()).isFalse();
        Tensor weight = RandomWeights.matrix(DType.Q4_0, 512, Form.ROWS, new Random(19));
        KernelFamily family = new MachineKernelFamily(new ScalarKernelFamily());
        assertThat(load(family, weight, LoadOptions.DEFAULT).isBatchInvariant()).isTrue();
    }
}
