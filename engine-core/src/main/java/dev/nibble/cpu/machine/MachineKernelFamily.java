package dev.nibble.cpu.machine;

import dev.nibble.ActivationType;
import dev.nibble.LoadOptions;
import dev.nibble.cpu.kernel.KernelFamily;
import dev.nibble.cpu.kernel.MatmulKernel;
import dev.nibble.cpu.kernel.VectorOps;
import dev.nibble.cpu.pool.WorkerPool;
import dev.nibble.cpu.repack.RepackMemory;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.Collection;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Kernels of machine code for the quantized types with 8-bit activations, and for floats. All else is left to another
 * family: other types, operations on activations, weights that may not be copied.
 *
 * <p>Machine code reads only memory that this process allocated. A file that is cut short while it is mapped would end the
 * process if it were read here, and is an exception where Java reads it: so the weights are always copied.
 */
public final class MachineKernelFamily implements KernelFamily {
    private static final System.Logger LOG = System.getLogger("dev.nibble.cpu");

    private final KernelFamily other;
    private final Function<DType, @Nullable Form> forms;
    private final Map<DType, KernelCode> codes = new ConcurrentHashMap<>();
    private final Map<DType, HalfCode> halfCodes = new ConcurrentHashMap<>();
    private final Map<DType, AmxCode> amxCodes = new ConcurrentHashMap<>();
    private final @Nullable Function<byte[], NativeFunction> amxLoader;

    /**
     * @param other serves what this family does not
     */
    public MachineKernelFamily(KernelFamily other) {
        this(other, Form::of, AmxAccess.isGranted() ? MachineCode::load : null);
    }

    /**
     * @param amxLoader loads code for AMX; null if there is to be none
     */
    MachineKernelFamily(
            KernelFamily other,
            Function<DType, @Nullable Form> forms,
            @Nullable Function<byte[], NativeFunction> amxLoader) {
        this.other = other;
        this.forms = forms;
        this.amxLoader = amxLoader;
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
        return "machine code " + KernelCode.emitter().name() + (amxLoader == null ? "" : " and AMX") + ", "
                + other.description();
    }

    @Override
    public String copyLayout() {
        return GroupKernel.LAYOUT + "; " + other.copyLayout();
    }

    @Override
    public KernelFamily used(Collection<MatmulKernel> kernels) {
        return kernels.stream().anyMatch(GroupKernel.class::isInstance) ? this : other.used(kernels);
    }

    @Override
    public VectorOps ops() {
        return other.ops();
    }

    @Override
    public MatmulKernel kernel(Tensor weight, LoadOptions options, RepackMemory memory, WorkerPool pool) {
        if (options.repack() && HalfCode.fits(weight)) {
            HalfCode code = halfCodes.computeIfAbsent(weight.dtype(), HalfCode::new);
            if (isRight(code, weight, pool, (part, own) -> HalfKernel.of(part, code, own, pool))) {
                AmxCode tiles = AmxCode.fitsHalves(weight)
                        ? tiles(weight, options, loader -> AmxCode.ofHalves(weight.dtype(), loader))
                        : null;
                boolean tiled = tiles != null
                        && isRight(tiles, weight, pool, (part, own) -> HalfKernel.of(part, code, tiles, own, pool));
                return HalfKernel.of(weight, code, tiled ? tiles : null, memory, pool);
            }
        }
        Form form = forms.apply(weight.dtype());
        if (options.repack() && options.activations() == ActivationType.Q8 && form != null && form.fits(weight)) {
            KernelCode code = codes.computeIfAbsent(weight.dtype(), type -> new KernelCode(form));
            if (isRight(code, weight, pool, (part, own) -> MachineKernel.of(part, code, own, pool))) {
                AmxCode tiles = tiles(weight, options, loader -> AmxCode.of(form, loader));
                boolean tiled = tiles != null
                        && isRight(tiles, weight, pool, (part, own) -> MachineKernel.of(part, code, tiles, own, pool));
                return MachineKernel.of(weight, code, tiled ? tiles : null, memory, pool);
            }
        }
        return other.kernel(weight, options, memory, pool);
    }

    /** The code for tiles; null where there is none, or each input has to be multiplied as if it were alone. */
    private @Nullable AmxCode tiles(
            Tensor weight, LoadOptions options, Function<Function<byte[], NativeFunction>, AmxCode> create) {
        Function<byte[], NativeFunction> loader = amxLoader;
        if (loader == null || options.reproducible()) {
            return null;
        }
        return amxCodes.computeIfAbsent(weight.dtype(), type -> create.apply(loader));
    }

    /** Whether the code multiplies a part of the matrix as the scalar code does; if not, a warning says so once. */
    private static boolean isRight(
            CheckedCode code, Tensor weight, WorkerPool pool, BiFunction<Tensor, RepackMemory, GroupKernel> create) {
        return code.isRight(
                () -> {
                    Tensor part = SelfCheck.sample(weight);
                    return SelfCheck.failure(create.apply(part, RepackMemory.of(Arena.ofAuto())), part, pool);
                },
                difference -> LOG.log(
                        System.Logger.Level.WARNING,
                        "machine code {0} is not used, it differs from the scalar code: {1}",
                        (code instanceof AmxCode ? "with AMX for " : "for ") + weight.dtype(),
                        difference));
    }
}
