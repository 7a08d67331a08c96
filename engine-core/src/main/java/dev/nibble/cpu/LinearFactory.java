package dev.nibble.cpu;

import dev.nibble.LoadOptions;
import dev.nibble.memory.NativeMemory;
import dev.nibble.model.Projection;
import dev.nibble.tensor.Tensor;
import java.util.IdentityHashMap;

/** Makes the compiled form of projections, and counts what is kept beside the mapped weights. */
final class LinearFactory implements AutoCloseable {
    private final KernelFamily family;
    private final LoadOptions options;
    private final WorkerPool pool;
    private final NativeMemory memory = new NativeMemory();
    private final IdentityHashMap<Tensor, MatmulKernel> kernels = new IdentityHashMap<>();
    private long copiedBytes;

    LinearFactory(KernelFamily family, LoadOptions options, WorkerPool pool) {
        this.family = family;
        this.options = options;
        this.pool = pool;
    }

    Linear create(Projection projection) {
        // A tensor used twice, as a tied embedding may be, is prepared once.
        MatmulKernel kernel = kernels.computeIfAbsent(projection.weight(), weight -> {
            MatmulKernel created = family.kernel(weight, options, memory::allocate, pool);
            copiedBytes += created.repackedBytes()
                    + (weight.data().isMapped() ? 0 : weight.data().byteSize());
            return created;
        });
        return new Linear(kernel, projection.bias(), projection.scale());
    }

    /** Frees the rearranged copies of weights; the kernels must no longer run. */
    @Override
    public void close() {
        memory.close();
    }

    /** Bytes beside the mapped file: rearranged copies, and weights that an architecture had to make anew. */
    long copiedBytes() {
        return copiedBytes;
    }
}
