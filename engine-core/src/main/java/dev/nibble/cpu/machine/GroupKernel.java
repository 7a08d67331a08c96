package dev.nibble.cpu.machine;

import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.kernel.MatmulKernel;
import dev.nibble.cpu.pool.Scratch;
import dev.nibble.cpu.pool.WorkerPool;
import dev.nibble.cpu.repack.RepackMemory;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.ref.Reference;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** A weight matrix whose rows lie side by side, in groups of {@link Form#ROWS}. */
abstract sealed class GroupKernel extends MatmulKernel permits MachineKernel, HalfKernel {
    /** Groups multiplied together, at most, and whose outputs are kept together. */
    static final int MOST_GROUPS = 16;

    /** Weights that stay in the cache while inputs pass: what fits beside those of a tile in a second-level cache of 1 MiB. */
    static final int CACHED_BYTES = 384 << 10;

    /** Names how copies are laid out: to be changed whenever a {@link Form} does, because copies are kept in files. */
    static final String LAYOUT = "machine 1";

    private final MemorySegment data;
    private final long groupBytes;
    private final @Nullable AmxProduct tiles;

    /**
     * @param tiles multiplies many inputs; null if the kernel does itself
     */
    GroupKernel(Tensor weight, MemorySegment data, long groupBytes, @Nullable AmxProduct tiles) {
        super(sizeOf(weight, weight.rows(), "rows"), sizeOf(weight, weight.columns(), "columns"));
        this.data = data;
        this.groupBytes = groupBytes;
        this.tiles = tiles;
    }

    /** The copy of a matrix, one that is kept or one that {@code pack} makes. */
    static MemorySegment copy(Tensor weight, long groupBytes, RepackMemory memory, Consumer<MemorySegment> pack) {
        long bytes = Math.ceilDiv(sizeOf(weight, weight.rows(), "rows"), Form.ROWS) * groupBytes;
        return memory.copy(weight, LAYOUT, bytes, data -> {
            pack.accept(data);
            return true;
        });
    }

    /** Each sum is made in the same order by all variants of the code, but for those of bfloat16. */
    @Override
    public final boolean isBatchInvariant() {
        return tiles == null;
    }

    /** Whether many inputs are multiplied with tiles of bfloat16. */
    final boolean hasTiles() {
        return tiles != null;
    }

    @Override
    public final void prepare(MatmulInput x, WorkerPool pool) {
        prepareInput(x, pool);
        if (tiles != null && AmxProduct.takes(x.rows())) {
            AmxProduct.prepare(x, pool); // beside the other: a part of the rows may be few
        }
    }

    /** Makes the form that {@link #inputOf} finds. */
    abstract void prepareInput(MatmulInput x, WorkerPool pool);

    /** The input's form that the kernel reads; null if it was not prepared. */
    abstract @Nullable InputMemory inputOf(MatmulInput x);

    /** Whether that has 8 bits. */
    abstract boolean rounds();

    /** Inputs up to which each weight is read once. */
    abstract int mostOfFew();

    /** Numbers of inputs, in ascending order, that call, together, every kernel that any number of inputs calls. */
    abstract IntStream toCheck();

    /** Groups to be multiplied together by so many inputs. */
    abstract int groupsFor(int inputs);

    /** Writes the outputs of some groups, [xRows, groups, 16] floats. */
    abstract void multiplyGroups(
            InputMemory x, int xRow, int xRows, int group, int groups, MemorySegment results, Scratch scratch);

    @Override
    public final void multiply(
            MatmulInput x,
            int xRow,
            int xRows,
            float[] y,
            int yOffset,
            int yStride,
            int from,
            int to,
            Scratch scratch) {
        AmxProduct product = AmxProduct.takes(xRows) ? tiles : null;
        InputMemory input = product == null ? inputOf(x) : x.packed(AmxRows.class);
        if (input == null) {
            throw new IllegalStateException("the input was not prepared");
        }
        try {
            multiplyAll(input, product, xRow, xRows, y, yOffset, yStride, from, to, scratch);
        } finally {
            Reference.reachabilityFence(data); // read by address
            Reference.reachabilityFence(input);
        }
    }

    private void multiplyAll(
            InputMemory input,
            @Nullable AmxProduct product,
            int xRow,
            int xRows,
            float[] y,
            int yOffset,
            int yStride,
            int from,
            int to,
            Scratch scratch) {
        int step = product == null ? groupsFor(xRows) : AmxEmitter.GROUPS;
        int written = product == null ? xRows : AmxProduct.paddedInputs(xRows);
        MemorySegment results = scratch.nativeResults(written * resultBytes(step));
        int end = Math.ceilDiv(to, Form.ROWS);
        for (int group = from / Form.ROWS; group < end && xRows > 0; group += step) {
            int groups = Math.min(step, end - group);
            if (product == null) {
                multiplyGroups(input, xRow, xRows, group, groups, results, scratch);
            } else {
                product.multiply(input, xRow, xRows, addressOf(group), groupBytes, groups, results, scratch);
            }
            int first = Math.max(from, group * Form.ROWS);
            int count = Math.min(to, (group + groups) * Form.ROWS) - first;
            long rowBytes = product == null ? resultBytes(groups) : AmxEmitter.RESULT_BYTES;
            long at = (first - group * Form.ROWS) * (long) Float.BYTES;
            for (int row = 0; row < xRows; row++, at += rowBytes) {
                MemorySegment.copy(results, ValueLayout.JAVA_FLOAT, at, y, yOffset + row * yStride + first, count);
            }
        }
    }

    /** What to add to a description. */
    final String ofTiles() {
        return tiles == null ? "" : ", from " + AmxProduct.LEAST_INPUTS + " inputs on AMX bfloat16 tiles";
    }

    /** Bytes of an input's outputs of some groups. */
    static long resultBytes(int groups) {
        return (long) groups * Form.ROWS * Float.BYTES;
    }

    final long addressOf(int group) {
        return data.address() + group * groupBytes;
    }

    @Override
    public final MemorySegment stream() {
        return data;
    }

    @Override
    public final long streamOffset(int output) {
        return output / Form.ROWS * groupBytes;
    }

    @Override
    public final long repackedBytes() {
        return data.byteSize();
    }
}
