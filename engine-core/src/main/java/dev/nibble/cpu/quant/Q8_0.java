package dev.nibble.cpu.quant;

import static dev.nibble.cpu.quant.LittleEndian.half;
import static dev.nibble.cpu.quant.LittleEndian.i8;
import static dev.nibble.cpu.quant.LittleEndian.putByte;
import static dev.nibble.cpu.quant.LittleEndian.putShort;

import dev.nibble.tensor.DType;
import java.lang.foreign.MemorySegment;

/**
 * 32 weights in 34 bytes, 8.5 bits per weight.
 *
 * <pre>
 * byte 0     2                              34
 *      | d   | q0 q1 ... q31                |
 *       half   int8
 * </pre>
 *
 * <p>{@code w[j] = q[j] * d}
 */
final class Q8_0 extends PackedFormat {
    static final Q8_0 INSTANCE = new Q8_0();

    static final int BLOCK_SIZE = 32;
    static final int BLOCK_BYTES = 34;
    static final int D = 0;
    static final int QS = 2;

    private Q8_0() {
        super(DType.Q8_0);
    }

    @Override
    void dequantizeBlock(MemorySegment data, long block, float[] out, int o) {
        float d = half(data, block + D);
        for (int j = 0; j < BLOCK_SIZE; j++) {
            out[o + j] = i8(data, block + QS + j) * d;
        }
    }

    @Override
    void quantizeBlocks(float[] in, int inOffset, int blocks, MemorySegment out, long offset) {
        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BLOCK_BYTES;
            int i = inOffset + b * BLOCK_SIZE;
            short d = Rounding.toHalf(Rounding.maxAbs(in, i, BLOCK_SIZE) / 127);
            float inverse = Rounding.inverse(Float.float16ToFloat(d));
            putShort(out, block + D, d);
            for (int j = 0; j < BLOCK_SIZE; j++) {
                int q = Math.clamp(Rounding.round(in[i + j] * inverse), -127, 127);
                putByte(out, block + QS + j, q);
            }
        }
    }
}
