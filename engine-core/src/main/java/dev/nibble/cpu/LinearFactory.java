package dev.nibble.cpu;

import dev.nibble.LoadOptions;
import dev.nibble.model.Projection;
import dev.nibble.tensor.Tensor;
import java.util.IdentityHashMap;

/** Makes the compiled form of projections, and counts what their kernels keep beside the mapped weights. */
final class LinearFactory {
    private final KernelFamily family;
    private final LoadOptions options;
    private final IdentityHashMap<Tensor, MatmulKernel> kernels = new IdentityHashMap<>();
    private long repackedBytes;

    LinearFactory(KernelFamily family, LoadOptions options) {
        this.family = family;
        this.options = options;
    }

    Linear create(Projection projection) {
        // A tensor used twice, as a tied embedding may be, is prepared once.
        MatmulKernel kernel = kernels.computeIfAbsent(projection.weight(), weight -> {
            MatmulKernel created = family.kernel(weight, options);
            repackedBytes += created.repackedBytes();
            return created;
        });
        return new Linear(kernel, projection.bias(), projection.scale());
    }

    long repackedBytes() {
        return repackedBytes;
    }
}
