package dev.nibble.cpu.quant;

import static dev.nibble.cpu.quant.LittleEndian.half;
import static dev.nibble.cpu.quant.LittleEndian.putShort;

import dev.nibble.tensor.DType;
import java.lang.foreign.MemorySegment;

/**
 * IEEE half precision, 16 bits per weight: sign, 5 bits of exponent, 10 of mantissa. Written with rounding to the
 * nearest even.
 */
final class F16 extends BlockFormat {
    static final F16 INSTANCE = new F16();

    private F16() {
        super(DType.F16);
    }

    @Override
    void dequantizeBlocks(MemorySegment data, long offset, float[] out, int outOffset, int blocks) {
        for (int i = 0; i < blocks; i++) {
            out[outOffset + i] = half(data, offset + 2L * i);
        }
    }

    @Override
    void quantizeBlocks(float[] in, int inOffset, int blocks, MemorySegment out, long offset) {
        for (int i = 0; i < blocks; i++) {
            putShort(out, offset + 2L * i, Rounding.toHalf(in[inOffset + i]));
        }
    }
}
