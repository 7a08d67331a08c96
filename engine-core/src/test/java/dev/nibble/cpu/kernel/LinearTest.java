package dev.nibble.cpu.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.LoadOptions;
import dev.nibble.cpu.pool.WorkerPool;
import dev.nibble.cpu.repack.RepackMemory;
import dev.nibble.cpu.scalar.ScalarKernelFamily;
import dev.nibble.memory.SystemMemory;
import dev.nibble.model.Projection;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class LinearTest {
    private final WorkerPool pool = new WorkerPool(2);
    private final KernelFamily family = new ScalarKernelFamily();
    private final Random random = new Random(2);

    @AfterEach
    void closePool() {
        pool.close();
    }

    private MatmulInput input(int rows, int columns) {
        MatmulInput x = new MatmulInput(rows, columns);
        System.arraycopy(RandomWeights.gaussian(rows * columns, random), 0, x.values(), 0, rows * columns);
        x.reset(rows, columns);
        return x;
    }

    private Linear linear(int columns, int rows) {
        Tensor weight = RandomWeights.matrix(DType.F32, columns, rows, random);
        return new Linear(family.kernel(weight, LoadOptions.EXACT, RepackMemory.of(Arena.ofAuto()), pool), null, 1);
    }

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"F32", "F16", "Q8_0", "Q4_0", "Q4_K", "Q6_K"})
    void scalarKernelsAgreeWithTheOracle(DType dtype) {
        int columns = 2 * Math.max(dtype.blockSize(), 16);
        for (int inputs : new int[] {1, 3}) {
            Tensor weight = RandomWeights.matrix(dtype, columns, 101, random);
            MatmulOracle.check(family, weight, RandomWeights.gaussian(inputs * columns, random), inputs, pool);
        }
    }

    /** Weights of the mapped file cost nothing more; what an architecture had to make anew does, once. */
    @Test
    void countsTheWeightsThatAreNotMapped(@TempDir Path folder) throws IOException {
        Tensor made = RandomWeights.matrix(DType.F32, 8, 5, random);
        Path file = Files.write(folder.resolve("weights"), made.data().toArray(ValueLayout.JAVA_BYTE));
        try (LinearFactory linears =
                        new LinearFactory(family, LoadOptions.DEFAULT, pool, null, List.of(), new SystemMemory());
                Arena arena = Arena.ofConfined();
                FileChannel channel = FileChannel.open(file)) {
            MemorySegment mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            linears.create(Projection.of(new Tensor("mapped", DType.F32, made.shape(), mapped)));
            assertThat(linears.copiedBytes()).isZero();
            linears.create(Projection.of(made));
            linears.create(Projection.of(made));
            assertThat(linears.copiedBytes()).isEqualTo(4 * 8 * 5);
        }
    }

    @Test
    void multipliesByTheScaleAndAddsTheBias() {
        Tensor weight = RandomWeights.matrix(DType.F32, 8, 5, random);
        MatmulKernel kernel = family.kernel(weight, LoadOptions.EXACT, RepackMemory.of(Arena.ofAuto()), pool);
        float[] bias = RandomWeights.gaussian(5, random);
        MatmulInput x = input(3, 8);
        float[] plain = new float[15];
        new Linear(kernel, null, 1).apply(pool, x, plain, 0, 5);
        float[] y = new float[15];
        new Linear(kernel, bias, 0.5f).apply(pool, x, y, 0, 5);
        for (int i = 0; i < 15; i++) {
            assertThat(y[i]).isEqualTo(0.5f * plain[i] + bias[i % 5]);
        }
    }

    /** Layers of unequal sizes in one region, more than the job has room for at first. */
    @Test
    void appliesSeveralLayersAtOnce() {
        int columns = 16;
        int[] sizes = {1, 130, 7, 64, 48, 300};
        MatmulInput x = input(2, columns);
        Linear[] layers = new Linear[sizes.length];
        float[][] ys = new float[sizes.length][];
        int[] offsets = new int[sizes.length];
        int[] strides = new int[sizes.length];
        float[][] expected = new float[sizes.length][];
        for (int i = 0; i < sizes.length; i++) {
            layers[i] = linear(columns, sizes[i]);
            offsets[i] = i;
            strides[i] = sizes[i] + 2;
            ys[i] = new float[offsets[i] + 2 * strides[i]];
            expected[i] = ys[i].clone();
            layers[i].apply(pool, x, expected[i], offsets[i], strides[i]);
        }
        for (int round = 0; round < 2; round++) {
            LinearJob job = x.layers();
            for (int i = 0; i < sizes.length; i++) {
                job.add(layers[i], ys[i], offsets[i], strides[i]);
            }
            job.run(pool);
            for (int i = 0; i < sizes.length; i++) {
                assertThat(ys[i]).isEqualTo(expected[i]);
            }
        }
    }

    @Test
    void leavesWhatLiesBetweenTheRows() {
        Linear layer = linear(8, 3);
        float[] y = {9, 9, 9, 9, 9, 9, 9, 9, 9, 9};
        layer.apply(pool, input(2, 8), y, 1, 5);
        assertThat(y[0]).isEqualTo(9);
        assertThat(y[4]).isEqualTo(9);
        assertThat(y[5]).isEqualTo(9);
        assertThat(y[9]).isEqualTo(9);
        assertThat(y[1]).isNotEqualTo(9);
    }

    @Test
    void noRowsIsNoWork() {
        float[] y = {7};
        linear(8, 3).apply(pool, input(0, 8), y, 0, 3);
        assertThat(y[0]).isEqualTo(7);
    }

    @Test
    void refusesWhatDoesNotFit() {
        Linear layer = linear(8, 3);
        assertThatThrownBy(() -> layer.apply(pool, input(1, 9), new float[3], 0, 3))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the input has 9 columns, the layer takes 8");
        assertThatThrownBy(() -> layer.apply(pool, input(2, 8), new float[5], 0, 3))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("do not fit 5 values");
        assertThatThrownBy(() -> new Linear(layer.kernel(), new float[4], 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the bias has 4 values, the weight matrix 3 rows");
        MatmulInput x = input(2, 8);
        x.reset(3, 5); // more and shorter rows
        assertThatThrownBy(() -> x.reset(3, 6)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> x.reset(2, 9)).isInstanceOf(IllegalArgumentException.class);
    }
}
