package dev.nibble.cpu.kernel;

import dev.nibble.LoadOptions;
import dev.nibble.cpu.pool.Scratch;
import dev.nibble.cpu.pool.WorkerPool;
import dev.nibble.memory.Pages;
import dev.nibble.memory.SystemMemory;
import dev.nibble.model.Adapter;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.IdentityHashMap;
import java.util.List;

/** Makes layers without weights, and adds up what those and their copies would take. */
public final class LinearSizes extends LinearFactory {
    private final KernelFamily family;
    private final LoadOptions options;
    private final WorkerPool pool;
    private final IdentityHashMap<Tensor, MatmulKernel> kernels = new IdentityHashMap<>();
    private long repackedBytes;
    private long convertedBytes;
    private long mappedBytes;
    private long releasedBytes;

    public LinearSizes(
            KernelFamily family, LoadOptions options, WorkerPool pool, List<Adapter> adapters, SystemMemory system) {
        super(family, options, pool, null, adapters, system);
        this.family = family;
        this.options = options;
        this.pool = pool;
    }

    @Override
    MatmulKernel kernel(Tensor tensor, boolean ofModel) {
        return kernels.computeIfAbsent(tensor, weight -> {
            long bytes = weight.data().byteSize();
            long copy = copyBytes(weight);
            repackedBytes += copy;
            if (weight.data().isMapped()) {
                mappedBytes += bytes;
                releasedBytes += copy > 0 && Pages.canRelease(weight.data()) ? bytes : 0;
            } else {
                convertedBytes += bytes;
            }
            return new Shape(weight);
        });
    }

    /** Of the copy that the family would make of a weight: what it asks for first. */
    private long copyBytes(Tensor weight) {
        try {
            family.kernel(
                    weight,
                    options,
                    bytes -> {
                        throw new Asked(bytes);
                    },
                    pool);
            return 0;
        } catch (Asked asked) {
            return asked.bytes;
        }
    }

    /** Bytes of the weights in the mapped file. */
    public long weightBytes() {
        return mappedBytes;
    }

    /** Bytes of rearranged copies. */
    public long repackedBytes() {
        return repackedBytes;
    }

    @Override
    public long copiedBytes() {
        return repackedBytes + convertedBytes;
    }

    @Override
    public long releasedBytes() {
        return releasedBytes;
    }

    /** Ends the making of a kernel where it asks for memory. */
    private static final class Asked extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private final long bytes;

        Asked(long bytes) {
            super("", null, false, false);
            this.bytes = bytes;
        }
    }

    /** Rows and columns of a matrix. */
    private static final class Shape extends MatmulKernel {
        Shape(Tensor weight) {
            super(sizeOf(weight, weight.rows(), "rows"), sizeOf(weight, weight.columns(), "columns"));
        }

        @Override
        public void multiply(
                MatmulInput x,
                int xRow,
                int xRows,
                float[] y,
                int yOffset,
                int yStride,
                int from,
                int to,
                Scratch scratch) {
            throw new IllegalStateException("only the shape of this matrix is known");
        }

        @Override
        public MemorySegment stream() {
            return MemorySegment.NULL;
        }

        @Override
        public long streamOffset(int output) {
            return 0;
        }

        @Override
        public String description() {
            return "none";
        }
    }
}
