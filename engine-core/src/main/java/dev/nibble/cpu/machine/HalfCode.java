package dev.nibble.cpu.machine;

import dev.nibble.tensor.DType;
import dev.nibble.tensor.Tensor;

/** The kernels of a type of floats in this process, see {@link HalfEmitter}. */
final class HalfCode extends CheckedCode {
    private final MachineCode pack;
    private final MachineCode[] multiply;

    HalfCode(DType dtype) {
        Assembler.Width width = KernelCode.emitter().width();
        pack = MachineCode.load(HalfEmitter.pack(dtype));
        multiply = new MachineCode[HalfEmitter.mostInputs(width)];
        for (int i = 0; i < multiply.length; i++) {
            multiply[i] = MachineCode.load(HalfEmitter.multiply(width, dtype, i + 1));
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

    /** {@link HalfEmitter#pack}. */
    MachineCode pack() {
        return pack;
    }

    /** {@link HalfEmitter#multiply} for 1 to {@link #mostInputs} inputs. */
    MachineCode multiply(int inputs) {
        return multiply[inputs - 1];
    }

    int mostInputs() {
        return multiply.length;
    }
}
