package dev.nibble.cpu.vector;

import dev.nibble.ActivationType;
import dev.nibble.LoadOptions;
import dev.nibble.cpu.interleaved.InterleavedKernel;
import dev.nibble.cpu.kernel.KernelFamily;
import dev.nibble.cpu.kernel.MatmulKernel;
import dev.nibble.cpu.kernel.VectorOps;
import dev.nibble.cpu.pool.WorkerPool;
import dev.nibble.cpu.quant.LevelReader;
import dev.nibble.cpu.quant.LevelReaders;
import dev.nibble.cpu.repack.RepackMemory;
import dev.nibble.tensor.Tensor;

/**
 * Kernels on the Vector API. No other package may name the classes of this one unless the module
 * {@code jdk.incubator.vector} is there.
 */
public final class VectorKernelFamily implements KernelFamily {
    private final VectorOps ops = new VectorizedOps();

    @Override
    public String name() {
        return "vector";
    }

    @Override
    public String description() {
        return "vector " + Lanes.F.vectorBitSize() + " bit";
    }

    @Override
    public String copyLayout() {
        return InterleavedKernel.copyLayout();
    }

    @Override
    public VectorOps ops() {
        return ops;
    }

    @Override
    public MatmulKernel kernel(Tensor weight, LoadOptions options, RepackMemory memory, WorkerPool pool) {
        if (options.repack() && options.activations() == ActivationType.Q8) {
            MatmulKernel interleaved = InterleavedKernel.of(weight, memory, pool);
            if (interleaved != null) {
                return interleaved;
            }
        }
        return plain(weight);
    }

    private static MatmulKernel plain(Tensor weight) {
        return switch (weight.dtype()) {
            case F32 -> new F32Kernel(weight);
            case F16 -> new F16Kernel(weight);
            case BF16 -> new BF16Kernel(weight);
            case Q8_0 -> new Q8_0Kernel(weight);
            case Q4_0 -> new Q4_0Kernel(weight);
            case Q4_1 -> new Q4_1Kernel(weight);
            case Q5_0 -> new Q5_0Kernel(weight);
            case Q5_1 -> new Q5_1Kernel(weight);
            case Q2_K -> new Q2_KKernel(weight);
            case Q3_K -> new Q3_KKernel(weight);
            case Q4_K -> new Q4_KKernel(weight);
            case Q5_K -> new Q5_KKernel(weight);
            case Q6_K -> new Q6_KKernel(weight);
            case IQ4_NL -> new IQ4_NLKernel(weight);
            case IQ4_XS -> new IQ4_XSKernel(weight);
            case MXFP4 -> new MXFP4Kernel(weight);
            default -> {
                LevelReader reader = LevelReaders.of(weight.dtype());
                yield reader == null ? new GenericKernel(weight) : new LevelKernel(weight, reader);
            }
        };
    }
}
