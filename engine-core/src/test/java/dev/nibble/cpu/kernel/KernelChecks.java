package dev.nibble.cpu.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.nibble.ModelFormatException;
import dev.nibble.cpu.pool.WorkerPool;
import dev.nibble.cpu.repack.RepackMemory;
import dev.nibble.model.MappedMemory;
import dev.nibble.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Random;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/** What holds for every kernel over a rearranged copy of weights. */
public final class KernelChecks {
    private KernelChecks() {}

    /** Random rows. */
    public static MatmulInput input(int rows, int columns, Random random) {
        MatmulInput x = new MatmulInput(rows, columns);
        System.arraycopy(RandomWeights.gaussian(rows * columns, random), 0, x.values(), 0, rows * columns);
        x.reset(rows, columns);
        return x;
    }

    /** Each output is the same to the last bit however the outputs are cut into ranges. */
    public static void doesNotDependOnThePartition(MatmulKernel kernel, Random random, WorkerPool pool) {
        int rows = kernel.rows();
        for (int inputs : new int[] {1, 3, 6, 17}) {
            MatmulInput x = input(inputs, kernel.columns(), random);
            kernel.prepare(x, pool);
            float[] whole = new float[inputs * rows];
            kernel.multiply(x, 0, inputs, whole, 0, rows, 0, rows);
            float[] parts = new float[inputs * rows];
            for (int from = 0; from < rows; from += 7) {
                kernel.multiply(x, 0, inputs, parts, 0, rows, from, Math.min(rows, from + 7));
            }
            assertThat(parts).isEqualTo(whole);
        }
    }

    /** A file that is cut short while its weights are copied: the fault is the exception that a load translates. */
    public static void faultsWhereTheFileIsCutShort(
            Tensor weight, Path folder, BiFunction<Tensor, RepackMemory, @Nullable MatmulKernel> kernel)
            throws IOException {
        Path file = Files.write(folder.resolve("weights"), weight.data().toArray(ValueLayout.JAVA_BYTE));
        try (Arena arena = Arena.ofShared();
                FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            MemorySegment mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            Tensor inFile = new Tensor(weight.name(), weight.dtype(), weight.shape(), mapped);
            RepackMemory memory = bytes -> {
                try {
                    channel.truncate(channel.size() / 2);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
                return arena.allocate(bytes, 64);
            };
            Throwable fault =
                    catchThrowable(() -> MappedMemory.read("weights", () -> kernel.apply(inFile, memory) == null));
            assumeFalse(fault instanceof UncheckedIOException, "the system does not cut a file that is mapped");
            assertThat(fault)
                    .isInstanceOf(ModelFormatException.class)
                    .hasMessageContaining("it was truncated or replaced while in use");
        }
    }
}
