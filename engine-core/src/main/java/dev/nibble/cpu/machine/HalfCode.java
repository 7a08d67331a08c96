package dev.nibble.cpu.machine;

import dev.nibble.tensor.DType;
import dev.nibble.tensor.Tensor;

/** The kernels of a type of 16-bit floats in this process, see {@link HalfEmitter}. */
final class HalfCode extends CheckedCode {
    private final MachineCode pack;
    private final MachineCode[] multiply;

    HalfCode(DType dtype) {
        Assembler.Width width = KernelCode.emitter().width();
        pack = MachineCode.load(HalfEmitter.pack());
        multiply = new MachineCode[HalfEmitter.mostInputs(width)];
        for (int i = 0; i < multiply.length; i++) {
            multiply[i] = MachineCode.load(HalfEmitter.multiply(width, dtype == DType.BF16, i + 1));
        }
    }

    /** Whether these kernels multiply a matrix: the loops rely on whole turns, and at least one. */
    static boolean fits(Tensor weight) {
        boolean isHalf = weight.dtype() == DType.F16 || weight.dtype() == DType.BF16;
        return isHalf && weight.rows() > 0 && weight.columns() > 0 && weight.columns() % HalfEmitter.STEP == 0;
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
