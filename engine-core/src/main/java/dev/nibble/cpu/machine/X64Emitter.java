package dev.nibble.cpu.machine;

import dev.nibble.cpu.machine.Assembler.Width;
import dev.nibble.tensor.DType;

/** What kernels for x86-64 have in common: all of them need AVX2. */
interface X64Emitter extends Emitter {
    /** Of its vectors. */
    Width width();

    @Override
    default byte[] round() {
        return RoundingEmitter.emit();
    }

    @Override
    default byte[] pack(Form form, Source source) {
        return PackingEmitter.emit(form, source);
    }

    @Override
    default int mostOfHalves() {
        return HalfEmitter.mostInputs(width());
    }

    @Override
    default byte[] halves(DType dtype, int inputs) {
        return HalfEmitter.multiply(width(), dtype, inputs);
    }

    @Override
    default byte[] packHalves(DType dtype) {
        return HalfEmitter.pack(dtype);
    }
}
