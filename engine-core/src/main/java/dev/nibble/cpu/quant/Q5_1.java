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
 * 32 weights in 24 bytes, 6 bits per weight.
 *
 * <pre>
 * byte 0     2     4              8                              24
 *      | d   | m   | h31 ... h0   | l16:l0 l17:l1 ... l31:l15    |     high nibble : low nibble
 *       half  half   fifth bits     four low bits each
 * </pre>
 *
 * <p>{@code q[j] = h[j] * 16 + l[j], w[j] = q[j] * d + m}
 */
final class Q5_1 extends PackedFormat {
    static final Q5_1 INSTANCE = new Q5_1();

    static final int BLOCK_SIZE = 32;
    static final int BLOCK_BYTES = 24;
    static final int D = 0;
    static final int M = 2;
    static final int QH = 4;
    static final int QS = 8;

    private Q5_1() {
        super(DType.Q5_1);
    }

    @Override
    void dequantizeBlock(MemorySegment data, long block, float[] out, int o) {
        float d = half(data, block + D);
        float m = half(data, block + M);
        int qh = i32(data, block + QH);
        for (int j = 0; j < BLOCK_SIZE / 2; j++) {
            int q = u8(data, block + QS + j);
            out[o + j] = (q & 0xF | (qh >>> j & 1) << 4) * d + m;
            out[o + j + BLOCK_SIZE / 2] = (q >> 4 | (qh >>> j + 16 & 1) << 4) * d + m;
        }
    }

    @Override
    void quantizeBlocks(float[] in, int inOffset, int blocks, MemorySegment out, long offset) {
        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BLOCK_BYTES;
            int i = inOffset + b * BLOCK_SIZE;
            float min = Rounding.min(in, i, BLOCK_SIZE);
            short m = Rounding.toHalf(min);
            short d = Rounding.toHalf((Rounding.max(in, i, BLOCK_SIZE) - min) / 31);
            float base = Float.float16ToFloat(m);
            float inverse = Rounding.inverse(Float.float16ToFloat(d));
            int qh = 0;
            for (int j = 0; j < BLOCK_SIZE / 2; j++) {
                int low = quantize(in[i + j] - base, inverse);
                int high = quantize(in[i + j + BLOCK_SIZE / 2] - base, inverse);
                qh |= low >> 4 << j | high >> 4 << j + 16;
                putByte(out, block + QS + j, low & 0xF | (high & 0xF) << 4);
            }
            putShort(out, block + D, d);
            putShort(out, block + M, m);
            putInt(out, block + QH, qh);
        }
    }

    private static int quantize(float value, float inverse) {
        return Math.clamp(Rounding.round(value * inverse), 0, 31);
    }
}
