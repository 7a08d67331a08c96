package dev.nibble.cpu.quant;

import static dev.nibble.cpu.quant.LittleEndian.half;
import static dev.nibble.cpu.quant.LittleEndian.putByte;
import static dev.nibble.cpu.quant.LittleEndian.putShort;
import static dev.nibble.cpu.quant.LittleEndian.u8;

import dev.nibble.tensor.DType;
import java.lang.foreign.MemorySegment;

/**
 * 32 weights in 18 bytes, 4.5 bits per weight.
 *
 * <pre>
 * byte 0     2                              18
 *      | d   | q16:q0 q17:q1 ... q31:q15    |     high nibble : low nibble
 *       half   4 bits each
 * </pre>
 *
 * <p>{@code w[j] = (q[j] - 8) * d}
 */
final class Q4_0 extends PackedFormat {
    static final Q4_0 INSTANCE = new Q4_0();

    static final int BLOCK_SIZE = 32;
    static final int BLOCK_BYTES = 18;
    static final int D = 0;
    static final int QS = 2;

    private Q4_0() {
        super(DType.Q4_0);
    }

    @Override
    void dequantizeBlock(MemorySegment data, long block, float[] out, int o) {
        float d = half(data, block + D);
        for (int j = 0; j < BLOCK_SIZE / 2; j++) {
            int q = u8(data, block + QS + j);
            out[o + j] = ((q & 0xF) - 8) * d;
            out[o + j + BLOCK_SIZE / 2] = ((q >> 4) - 8) * d;
        }
    }

    @Override
    void quantizeBlocks(float[] in, int inOffset, int blocks, MemorySegment out, long offset) {
        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BLOCK_BYTES;
            int i = inOffset + b * BLOCK_SIZE;
            // The value of largest magnitude gets q = 0, because -8 reaches further than +7.
            short d = Rounding.toHalf(Rounding.extreme(in, i, BLOCK_SIZE) / -8);
            float inverse = Rounding.inverse(Float.float16ToFloat(d));
            putShort(out, block + D, d);
            for (int j = 0; j < BLOCK_SIZE / 2; j++) {
                int low = quantize(in[i + j], inverse);
                int high = quantize(in[i + j + BLOCK_SIZE / 2], inverse);
                putByte(out, block + QS + j, low | high << 4);
            }
        }
    }

    private static int quantize(float value, float inverse) {
        return Math.clamp(Rounding.round(value * inverse) + 8, 0, 15);
    }
}
