package dev.nibble.cpu.quant;

import static dev.nibble.cpu.quant.LittleEndian.putShort;
import static dev.nibble.cpu.quant.LittleEndian.u16;

import dev.nibble.tensor.DType;
import java.lang.foreign.MemorySegment;

/**
 * The upper half of an IEEE single, 16 bits per weight: sign, 8 bits of exponent, 7 of mantissa. Written with rounding
 * to the nearest even.
 */
final class BF16 extends BlockFormat {
    static final BF16 INSTANCE = new BF16();

    private BF16() {
        super(DType.BF16);
    }

    @Override
    void dequantizeBlocks(MemorySegment data, long offset, float[] out, int outOffset, int blocks) {
        for (int i = 0; i < blocks; i++) {
            out[outOffset + i] = Float.intBitsToFloat(u16(data, offset + 2L * i) << 16);
        }
    }

    @Override
    void quantizeBlocks(float[] in, int inOffset, int blocks, MemorySegment out, long offset) {
        for (int i = 0; i < blocks; i++) {
            int bits = Float.floatToRawIntBits(in[inOffset + i]);
            int rounded = (bits + 0x7FFF + (bits >>> 16 & 1)) >>> 16;
            if ((rounded & 0x7F80) == 0x7F80) {
                throw Rounding.tooLarge(in[inOffset + i]);
            }
            putShort(out, offset + 2L * i, rounded);
        }
    }
}
