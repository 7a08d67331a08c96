package dev.nibble.cpu.quant;

import static dev.nibble.cpu.quant.LittleEndian.half;
import static dev.nibble.cpu.quant.LittleEndian.putByte;
import static dev.nibble.cpu.quant.LittleEndian.putShort;
import static dev.nibble.cpu.quant.LittleEndian.u8;

import dev.nibble.tensor.DType;
import java.lang.foreign.MemorySegment;

/**
 * 32 weights in 20 bytes, 5 bits per weight.
 *
 * <pre>
 * byte 0     2     4                              20
 *      | d   | m   | q16:q0 q17:q1 ... q31:q15    |     high nibble : low nibble
 *       half  half   4 bits each
 * </pre>
 *
 * <p>{@code w[j] = q[j] * d + m}
 */
final class Q4_1 extends PackedFormat {
    static final Q4_1 INSTANCE = new Q4_1();

    static final int BLOCK_SIZE = 32;
    static final int BLOCK_BYTES = 20;
    static final int D = 0;
    static final int M = 2;
    static final int QS = 4;

    private Q4_1() {
        super(DType.Q4_1);
    }

    @Override
    void dequantizeBlock(MemorySegment data, long block, float[] out, int o) {
        float d = half(data, block + D);
        float m = half(data, block + M);
        for (int j = 0; j < BLOCK_SIZE / 2; j++) {
            int q = u8(data, block + QS + j);
            out[o + j] = (q & 0xF) * d + m;
            out[o + j + BLOCK_SIZE / 2] = (q >> 4) * d + m;
        }
    }

    @Override
    void quantizeBlocks(float[] in, int inOffset, int blocks, MemorySegment out, long offset) {
        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BLOCK_BYTES;
            int i = inOffset + b * BLOCK_SIZE;
            float min = Rounding.min(in, i, BLOCK_SIZE);
            short m = Rounding.toHalf(min);
            short d = Rounding.toHalf((Rounding.max(in, i, BLOCK_SIZE) - min) / 15);
            float base = Float.float16ToFloat(m);
            float inverse = Rounding.inverse(Float.float16ToFloat(d));
            putShort(out, block + D, d);
            putShort(out, block + M, m);
            for (int j = 0; j < BLOCK_SIZE / 2; j++) {
                int low = quantize(in[i + j] - base, inverse);
                int high = quantize(in[i + j + BLOCK_SIZE / 2] - base, inverse);
                putByte(out, block + QS + j, low | high << 4);
            }
        }
    }

    private static int quantize(float value, float inverse) {
        return Math.clamp(Rounding.round(value * inverse), 0, 15);
    }
}
