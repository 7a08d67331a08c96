package dev.nibble.cpu.machine;

import dev.nibble.ActivationType;
import dev.nibble.LoadOptions;
import dev.nibble.cpu.KernelFamily;
import dev.nibble.cpu.MatmulKernel;
import dev.nibble.cpu.RepackMemory;
import dev.nibble.cpu.VectorOps;
import dev.nibble.cpu.WorkerPool;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Tensor;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Kernels of machine code for the quantized types with 8-bit activations, and for 16-bit floats. All else is left to another
 * family: other types, operations on activations, weights that may not be copied.
 *
 * <p>Machine code reads only memory that this process allocated. A file that is cut short while it is mapped would end the
 * process if it were read here, and is an exception where Java reads it: so the weights are always copied, and where copies
 * are kept in a file and mapped from it, the other family reads those.
 */
public final class MachineKernelFamily implements KernelFamily {
    private static final System.Logger LOG = System.getLogger("dev.nibble.cpu");

    private final KernelFamily other;
    private final Map<DType, KernelCode> codes = new ConcurrentHashMap<>();
    private final Map<DType, HalfCode> halfCodes = new ConcurrentHashMap<>();

    /**
     * @param other serves what this family does not
     */
    public MachineKernelFamily(KernelFamily other) {
        this.other = other;
    }

    /** Why this family cannot run here; empty if it can. */
    public static String failure() {
        return KernelCode.failure();
    }

    @Override
    public String name() {
        return "machine";
    }

    @Override
    public String description() {
        return "machine code " + KernelCode.emitter().name() + ", " + other.description();
    }

    @Override
    public String copyLayout() {
        return other.copyLayout();
    }

    @Override
    public VectorOps ops() {
        return other.ops();
    }

    @Override
    public MatmulKernel kernel(Tensor weight, LoadOptions options, RepackMemory memory, WorkerPool pool) {
        boolean copies = options.repack() && options.repackCache().isEmpty();
        Form form = Form.of(weight.dtype());
        MatmulKernel kernel = null;
        if (copies && HalfCode.fits(weight)) {
            HalfCode code = halfCodes.computeIfAbsent(weight.dtype(), HalfCode::new);
            kernel = code.isRejected() ? null : checked(HalfKernel.of(weight, code, memory, pool), code, weight, pool);
        } else if (copies && options.activations() == ActivationType.Q8 && form != null && form.fits(weight)) {
            KernelCode code = codes.computeIfAbsent(weight.dtype(), type -> new KernelCode(form));
            kernel = code.isRejected()
                    ? null
                    : checked(MachineKernel.of(weight, code, memory, pool), code, weight, pool);
        }
        return kernel == null ? other.kernel(weight, options, memory, pool) : kernel;
    }

    /** The kernel, or null if its code is wrong. */
    private static @Nullable MatmulKernel checked(
            GroupKernel kernel, CheckedCode code, Tensor weight, WorkerPool pool) {
        String failure = code.check(() -> SelfCheck.failure(kernel, weight, pool));
        if (failure.isEmpty()) {
            return kernel;
        }
        LOG.log(
                System.Logger.Level.WARNING,
                "machine code for {0} is not used, it differs from the scalar code: {1}",
                weight.dtype(),
                failure);
        return null;
    }
}
