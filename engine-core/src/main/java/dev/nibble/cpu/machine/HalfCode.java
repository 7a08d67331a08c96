package dev.nibble.cpu.machine;

import dev.nibble.tensor.DType;
import dev.nibble.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** The kernels of a type of floats in this process, see {@link HalfEmitter}. */
final class HalfCode extends CheckedCode {
    private final @Nullable MachineCode pack;
    private final MachineCode[] multiply;

    HalfCode(DType dtype) {
        this(dtype, KernelCode.emitter());
    }

    HalfCode(DType dtype, Emitter emitter) {
        byte[] packing = emitter.packHalves(dtype);
        pack = packing == null ? null : MachineCode.load(packing);
        multiply = new MachineCode[emitter.mostOfHalves()];
        for (int i = 0; i < multiply.length; i++) {
            multiply[i] = MachineCode.load(emitter.halves(dtype, i + 1));
        }
    }

    /** Whether these kernels multiply a matrix: packing relies on whole ints, loops on at least one turn. */
    static boolean fits(Tensor weight) {
        boolean isFloat = switch (weight.dtype()) {
            case F16, BF16, F32 -> true;
            default -> false;
        };
        return isFloat && weight.rows() > 0 && weight.columns() > 0 && weight.rowBytes() % Integer.BYTES == 0;
    }

    /** {@link HalfEmitter#pack}; null where Java code does it. */
    @Nullable MachineCode pack() {
        return pack;
    }

    /** {@link Emitter#halves} for 1 to {@link #mostInputs} inputs. */
    MachineCode multiply(int inputs) {
        return multiply[inputs - 1];
    }

    int mostInputs() {
        return multiply.length;
    }
}
