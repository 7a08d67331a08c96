package dev.nibble.cpu.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.nibble.cpu.kernel.KernelChecks;
import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.kernel.RandomWeights;
import dev.nibble.cpu.machine.FormReference.Rounded;
import dev.nibble.cpu.pool.WorkerPool;
import dev.nibble.cpu.repack.RepackMemory;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Kernels against {@link FormReference}, to the last bit: those of every emitter whose instructions the processor has. So all
 * processors compute the same from quantized weights.
 */
@Tag("machine-code")
@DisabledIf(
        value = "dev.nibble.cpu.machine.MachineKernelTest#isTheUsualCode",
        disabledReason = "machine code for this processor has vectors of this width without being asked")
class KernelBitsTest {
    private static final WorkerPool POOL = new WorkerPool(2);

    /** Of few inputs all, and tiles of every size that is called. */
    private static final int MOST_INPUTS = 13;

    private static final int COLUMNS = 2 * Form.SUPER_BLOCK;

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
        return MachineKernelTest.quantizedTypes();
    }

    static Stream<DType> floats() {
        return Stream.of(DType.F16, DType.BF16, DType.F32);
    }

    /** That of this processor, and those whose instructions it has too. */
    private static List<Emitter> emitters() {
        Emitter chosen = KernelCode.emitter();
        List<Emitter> emitters = new ArrayList<>();
        if (MachineCode.isArm64()) {
            for (NeonProducts products : NeonProducts.values()) {
                if (products.compareTo(Arm64Processor.ask()) <= 0) {
                    emitters.add(new NeonEmitter(products));
                }
            }
        } else {
            emitters.add(new Avx2Emitter());
            if (chosen instanceof Avx512Emitter) {
                emitters.add(chosen);
            }
        }
        assertThat(emitters).anyMatch(emitter -> emitter.name().equals(chosen.name()));
        return emitters;
    }

    @ParameterizedTest
    @MethodSource("quantizedTypes")
    void everyKernelComputesTheSameBits(DType dtype) {
        Random random = new Random(21);
        check(RandomWeights.matrix(dtype, COLUMNS, 2 * Form.ROWS + 3, random), random);
        for (byte quants : new byte[] {0, -1, -128, 0x77}) { // the largest sums
            Tensor extreme = RandomWeights.matrix(dtype, COLUMNS, Form.ROWS, random);
            RandomWeights.fillQuants(extreme, quants);
            check(extreme, random);
        }
    }

    private static void check(Tensor weight, Random random) {
        Form form = Objects.requireNonNull(Form.of(weight.dtype()));
        int rows = (int) weight.rows();
        float[] values = KernelChecks.input(MOST_INPUTS, COLUMNS, random).values();
        Arrays.fill(values, 0, Form.BLOCK, 1.5f); // the largest activations, of one sign
        Arrays.fill(values, Form.BLOCK, 2 * Form.BLOCK, -1.5f);
        float[] expected = new float[0];
        for (Emitter emitter : emitters()) {
            AtomicReference<MemorySegment> copy = new AtomicReference<>(MemorySegment.NULL);
            GroupKernel kernel = kernel(weight, form, emitter, copy);
            if (expected.length == 0) {
                expected = expected(form, copy.get(), rows, values);
            }
            for (int inputs = 1; inputs <= MOST_INPUTS; inputs++) {
                assertThat(multiply(kernel, values, inputs, rows))
                        .as("%s %s, %d inputs", emitter.name(), weight.dtype(), inputs)
                        .containsExactly(Arrays.copyOf(expected, inputs * rows));
            }
        }
    }

    private static GroupKernel kernel(Tensor weight, Form form, Emitter emitter, AtomicReference<MemorySegment> copy) {
        KernelCode code = new KernelCode(form, emitter, KernelCode.tiles(form.tileShape(), emitter));
        return MachineKernel.of(weight, code, memory(copy), POOL);
    }

    private static RepackMemory memory(AtomicReference<MemorySegment> copy) {
        return bytes -> {
            copy.set(Arena.ofAuto().allocate(bytes, 64));
            return copy.get();
        };
    }

    private static float[] expected(Form form, MemorySegment copy, int rows, float[] values) {
        float[] expected = new float[MOST_INPUTS * rows];
        long groupBytes = form.bytes(COLUMNS);
        for (int input = 0; input < MOST_INPUTS; input++) {
            Rounded x = Rounded.of(values, input * COLUMNS, COLUMNS);
            for (int row = 0; row < rows; row++) {
                MemorySegment group = copy.asSlice(row / Form.ROWS * groupBytes, groupBytes);
                expected[input * rows + row] = new FormReference(form, group, COLUMNS).output(row % Form.ROWS, x);
            }
        }
        return expected;
    }

    private static float[] multiply(GroupKernel kernel, float[] values, int inputs, int rows) {
        MatmulInput x = new MatmulInput(inputs, kernel.columns());
        System.arraycopy(values, 0, x.values(), 0, inputs * kernel.columns());
        x.reset(inputs, kernel.columns());
        kernel.prepare(x, POOL);
        float[] y = new float[inputs * rows];
        kernel.multiply(x, 0, inputs, y, 0, rows, 0, rows);
        x.close();
        return y;
    }

    /** Column by column; the widest vectors sum even and odd columns apart. */
    @ParameterizedTest
    @MethodSource("floats")
    void floatsAreSummedInOneOrder(DType dtype) {
        int columns = 42;
        int rows = Form.ROWS + 3;
        Random random = new Random(22);
        Tensor weight = RandomWeights.matrix(dtype, columns, rows, random);
        float[] values = KernelChecks.input(MOST_INPUTS, columns, random).values();
        for (Emitter emitter : emitters()) {
            int chains = emitter instanceof Avx512Emitter ? 2 : 1;
            float[] expected = new float[MOST_INPUTS * rows];
            for (int row = 0; row < rows; row++) {
                float[] weights = RandomWeights.row(weight, row);
                for (int input = 0; input < MOST_INPUTS; input++) {
                    float[] sums = new float[2];
                    for (int k = 0; k < columns; k++) {
                        sums[k % chains] = Math.fma(weights[k], values[input * columns + k], sums[k % chains]);
                    }
                    expected[input * rows + row] = sums[0] + sums[1];
                }
            }
            HalfCode code = new HalfCode(dtype, emitter);
            GroupKernel kernel = HalfKernel.of(weight, code, RepackMemory.of(Arena.ofAuto()), POOL);
            for (int inputs = 1; inputs <= MOST_INPUTS; inputs++) {
                assertThat(multiply(kernel, values, inputs, rows))
                        .as("%s %s, %d inputs", emitter.name(), dtype, inputs)
                        .containsExactly(Arrays.copyOf(expected, inputs * rows));
            }
        }
    }

    /** Ties, blocks of zeros, values whose scale is the smallest. */
    @Test
    void roundsAsTheReferenceDoes() {
        int blocks = 64;
        float[] values = RandomWeights.gaussian(blocks * Form.BLOCK, new Random(23));
        for (int i = 0; i < Form.BLOCK; i++) {
            values[i] = i == 0 ? 127 : i - 15.5f; // a scale of 1, and halves
            values[Form.BLOCK + i] = 0;
            values[2 * Form.BLOCK + i] *= 1e-38f;
            values[3 * Form.BLOCK + i] = i % 2 == 0 ? Float.MAX_VALUE : -Float.MAX_VALUE / 3;
            values[4 * Form.BLOCK + i] = -1e-36f * i;
        }
        Rounded expected = Rounded.of(values, 0, values.length);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment row = arena.allocateFrom(ValueLayout.JAVA_FLOAT, values);
            for (Emitter emitter : emitters()) {
                MemorySegment to = arena.allocate(blocks * (long) Activations.BLOCK_BYTES, 64);
                MachineCode.load(emitter.round()).call(row.address(), to.address(), blocks, 0, 0, 0);
                for (int block = 0; block < blocks; block++) {
                    MemorySegment found = to.asSlice(block * (long) Activations.BLOCK_BYTES);
                    checkBlock(found, expected, block * Form.BLOCK, expected.scales()[block]);
                }
            }
        }
    }

    private static void checkBlock(MemorySegment found, Rounded expected, int from, float scale) {
        assertThat(found.asSlice(0, Form.BLOCK).toArray(ValueLayout.JAVA_BYTE))
                .containsExactly(Arrays.copyOfRange(expected.quants(), from, from + Form.BLOCK));
        assertThat(found.get(ValueLayout.JAVA_FLOAT, Activations.SCALE)).isEqualTo(scale);
        int first = expected.sum(from, 16);
        int second = expected.sum(from + 16, 16);
        assertThat(found.asSlice(Activations.MINUS_SUMS, 12).toArray(ValueLayout.JAVA_INT))
                .containsExactly(-first, -second, -first - second);
        assertThat(found.asSlice(Activations.TOTAL, 12).toArray(ValueLayout.JAVA_FLOAT))
                .containsExactly((first + second) * scale, first * scale, second * scale);
    }

    private static Emitter withoutPacking(Emitter emitter) {
        InvocationHandler handler = (proxy, method, arguments) ->
                method.getName().startsWith("pack") ? null : method.invoke(emitter, arguments);
        return (Emitter)
                Proxy.newProxyInstance(Emitter.class.getClassLoader(), new Class<?>[] {Emitter.class}, handler);
    }

    /** What packs in Java where there is no code for it packs as the code does. */
    @ParameterizedTest
    @MethodSource("quantizedTypes")
    void javaAndMachineCodePackAlike(DType dtype) {
        Form form = Objects.requireNonNull(Form.of(dtype));
        Emitter emitter = KernelCode.emitter();
        Emitter inJava = withoutPacking(emitter);
        Tensor weight = RandomWeights.matrix(dtype, COLUMNS, 2 * Form.ROWS + 3, new Random(24));
        AtomicReference<MemorySegment> byCode = new AtomicReference<>(MemorySegment.NULL);
        AtomicReference<MemorySegment> byJava = new AtomicReference<>(MemorySegment.NULL);
        kernel(weight, form, emitter, byCode);
        kernel(weight, form, inJava, byJava);
        assertThat(byCode.get().mismatch(byJava.get())).isEqualTo(-1);
    }

    @ParameterizedTest
    @MethodSource("floats")
    void javaAndMachineCodePackFloatsAlike(DType dtype) {
        Emitter emitter = KernelCode.emitter();
        Emitter inJava = withoutPacking(emitter);
        Tensor weight = RandomWeights.matrix(dtype, 42, Form.ROWS + 3, new Random(25));
        AtomicReference<MemorySegment> byCode = new AtomicReference<>(MemorySegment.NULL);
        AtomicReference<MemorySegment> byJava = new AtomicReference<>(MemorySegment.NULL);
        HalfKernel.of(weight, new HalfCode(dtype, emitter), memory(byCode), POOL);
        HalfKernel.of(weight, new HalfCode(dtype, inJava), memory(byJava), POOL);
        assertThat(byCode.get().mismatch(byJava.get())).isEqualTo(-1);
    }
}
