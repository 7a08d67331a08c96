package dev.nibble.cpu.kernel;

import dev.nibble.LoadOptions;
import dev.nibble.cpu.pool.WorkerPool;
import dev.nibble.cpu.repack.RepackMemory;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A kernel family that remembers the kernels it was asked for. */
public final class KernelReport implements KernelFamily {
    private final KernelFamily family;
    private final Map<DType, String> descriptions = new TreeMap<>();
    private final List<MatmulKernel> kernels = new ArrayList<>();

    public KernelReport(KernelFamily family) {
        this.family = family;
    }

    /** What the kernels of each type say of themselves. */
    public Map<DType, String> descriptions() {
        return Map.copyOf(descriptions);
    }

    /** Whether the results of all kernels are the same whatever rows are multiplied together. */
    public boolean isBatchInvariant() {
        return kernels.stream().allMatch(MatmulKernel::isBatchInvariant);
    }

    @Override
    public String name() {
        return family.name();
    }

    /** What runs: families of which no kernel was asked for are not named. */
    @Override
    public String description() {
        return family.used(kernels).description();
    }

    @Override
    public String copyLayout() {
        return family.copyLayout();
    }

    @Override
    public VectorOps ops() {
        return family.ops();
    }

    @Override
    public MatmulKernel kernel(Tensor weight, LoadOptions options, RepackMemory memory, WorkerPool pool) {
        MatmulKernel kernel = family.kernel(weight, options, memory, pool);
        kernels.add(kernel);
        String description = kernel.description();
        descriptions.merge(weight.dtype(), description, (old, one) -> old.contains(one) ? old : old + " or " + one);
        return kernel;
    }
}
