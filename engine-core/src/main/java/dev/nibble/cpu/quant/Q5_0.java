package dev.nibble.cpu.quant;

import static dev.nibble.cpu.quant.LittleEndian.half;
import static dev.nibble.cpu.quant.LittleEndian.i32;
import static dev.nibble.cpu.quant.LittleEndian.putByte;
import static dev.nibble.cpu.quant.LittleEndian.putInt;
import static dev.nibble.cpu.quant.LittleEndian.putShort;
import static dev.nibble.cpu.quant.LittleEndian.u8;

import dev.nibble.tensor.DType;
import java.lang.foreign.MemorySegment;

/**
 * 32 weights in 22 bytes, 5.5 bits per weight.
 *
 * <pre>
 * byte 0     2              6                              22
 *      | d   | h31 ... h0   | l16:l0 l17:l1 ... l31:l15    |     high nibble : low nibble
 *       half   fifth bits     four low bits each
 * </pre>
 *
 * <p>{@code q[j] = h[j] * 16 + l[j], w[j] = (q[j] - 16) * d}
 */
final class Q5_0 extends PackedFormat {
    static final Q5_0 INSTANCE = new Q5_0();

    static final int BLOCK_SIZE = 32;
    static final int BLOCK_BYTES = 22;
    static final int D = 0;
    static final int QH = 2;
    static final int QS = 6;

    private Q5_0() {
        super(DType.Q5_0);
    }

    @Override
    void dequantizeBlock(MemorySegment data, long block, float[] out, int o) {
        float d = half(data, block + D);
        int qh = i32(data, block + QH);
        for (int j = 0; j < BLOCK_SIZE / 2; j++) {
            int q = u8(data, block + QS + j);
            out[o + j] = ((q & 0xF | (qh >>> j & 1) << 4) - 16) * d;
            out[o + j + BLOCK_SIZE / 2] = ((q >> 4 | (qh >>> j + 16 & 1) << 4) - 16) * d;
        }
    }

    @Override
    void quantizeBlocks(float[] in, int inOffset, int blocks, MemorySegment out, long offset) {
        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BLOCK_BYTES;
            int i = inOffset + b * BLOCK_SIZE;
            short d = Rounding.toHalf(Rounding.extreme(in, i, BLOCK_SIZE) / -16);
            float inverse = Rounding.inverse(Float.float16ToFloat(d));
            int qh = 0;
            for (int j = 0; j < BLOCK_SIZE / 2; j++) {
                int low = quantize(in[i + j], inverse);
                int high = quantize(in[i + j + BLOCK_SIZE / 2], inverse);
                qh |= low >> 4 << j | high >> 4 << j + 16;
                putByte(out, block + QS + j, low & 0xF | (high & 0xF) << 4);
            }
            putShort(out, block + D, d);
            putInt(out, block + QH, qh);
        }
    }

    private static int quantize(float value, float inverse) {
        return Math.clamp(Rounding.round(value * inverse) + 16, 0, 31);
    }
}
