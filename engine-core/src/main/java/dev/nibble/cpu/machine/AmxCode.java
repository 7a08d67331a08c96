package dev.nibble.cpu.machine;

import dev.nibble.tensor.DType;
import dev.nibble.tensor.Tensor;
import java.util.function.Function;

/** The kernels of a type that multiply with tiles of bfloat16, see {@link AmxEmitter}. */
final class AmxCode extends CheckedCode {
    private final NativeFunction unpack;
    private final NativeFunction begin;
    private final NativeFunction add;

    private AmxCode(byte[] unpack, Function<byte[], NativeFunction> loader) {
        this.unpack = loader.apply(unpack);
        begin = loader.apply(AmxEmitter.multiply(true));
        add = loader.apply(AmxEmitter.multiply(false));
    }

    /** Those of a quantized type. */
    static AmxCode of(Form form, Function<byte[], NativeFunction> loader) {
        return new AmxCode(AmxEmitter.unpack(form), loader);
    }

    /** Those of F16 or BF16. */
    static AmxCode ofHalves(DType dtype, Function<byte[], NativeFunction> loader) {
        return new AmxCode(AmxEmitter.unpackHalves(dtype), loader);
    }

    /** Whether these kernels multiply a matrix of 16-bit floats; wider ones would lose half of their bits. */
    static boolean fitsHalves(Tensor weight) {
        boolean isHalf = weight.dtype() == DType.F16 || weight.dtype() == DType.BF16;
        return isHalf && weight.columns() % Form.BLOCK == 0;
    }

    /** {@link AmxEmitter#unpack}. */
    NativeFunction unpack() {
        return unpack;
    }

    /** {@link AmxEmitter#multiply}, for the first columns or for further ones. */
    NativeFunction multiply(boolean begins) {
        return begins ? begin : add;
    }
}
