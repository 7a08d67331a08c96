package dev.nibble.cpu.scalar;

import dev.nibble.LoadOptions;
import dev.nibble.cpu.kernel.KernelFamily;
import dev.nibble.cpu.kernel.MatmulKernel;
import dev.nibble.cpu.kernel.VectorOps;
import dev.nibble.cpu.pool.WorkerPool;
import dev.nibble.cpu.repack.RepackMemory;
import dev.nibble.tensor.Tensor;

/** Plain Java for every tensor type; runs everywhere and is the oracle of the other families. */
public final class ScalarKernelFamily implements KernelFamily {
    private final VectorOps ops = new ScalarOps();

    @Override
    public String name() {
        return "scalar";
    }

    @Override
    public String description() {
        return "scalar";
    }

    @Override
    public VectorOps ops() {
        return ops;
    }

    @Override
    public MatmulKernel kernel(Tensor weight, LoadOptions options, RepackMemory memory, WorkerPool pool) {
        return new ScalarMatmulKernel(weight, ops);
    }
}
