package dev.nibble.cpu.scalar;

import dev.nibble.LoadOptions;
import dev.nibble.cpu.KernelFamily;
import dev.nibble.cpu.MatmulKernel;
import dev.nibble.cpu.RepackMemory;
import dev.nibble.cpu.VectorOps;
import dev.nibble.cpu.WorkerPool;
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
