package dev.nibble.cpu.quant;

import static dev.nibble.cpu.quant.LittleEndian.half;
import static dev.nibble.cpu.quant.LittleEndian.putByte;
import static dev.nibble.cpu.quant.LittleEndian.putShort;
import static dev.nibble.cpu.quant.LittleEndian.u8;

import dev.nibble.tensor.DType;
import java.lang.foreign.MemorySegment;

/**
 * 128 weights in 18 bytes, 1.125 bits per weight: signs only.
 *
 * <pre>
 * byte 0     2              18
 *      | d   | qs[16]       |     weight j in bit j % 8 of byte j / 8
 *       half   1 bit each
 * </pre>
 *
 * <p>{@code w[j] = q[j] == 1 ? d : -d}
 */
final class Q1_0 extends PackedFormat {
    static final Q1_0 INSTANCE = new Q1_0();

    static final int BLOCK_SIZE = 128;
    static final int BLOCK_BYTES = 18;
    static final int D = 0;
    static final int QS = 2;

    private Q1_0() {
        super(DType.Q1_0);
    }

    @Override
    void dequantizeBlock(MemorySegment data, long block, float[] out, int o) {
        float d = half(data, block + D);
        for (int l = 0; l < BLOCK_SIZE / 8; l++) {
            int q = u8(data, block + QS + l);
            for (int n = 0; n < 8; n++) {
                out[o + l * 8 + n] = (q >> n & 1) == 1 ? d : -d;
            }
        }
    }

    @Override
    void quantizeBlocks(float[] in, int inOffset, int blocks, MemorySegment out, long offset) {

        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BLOCK_BYTES;
            int i = inOffset + b * BLOCK_SIZE;
            double sum = 0;
            for (int j = 0; j < BLOCK_SIZE; j++) {
                sum += Math.abs(in[i + j]);
            }
            // The mean magnitude has the least squared error.
            putShort(out, block + D, Rounding.toHalf((float) (sum / BLOCK_SIZE)));
            for (int l = 0; l < BLOCK_SIZE / 8; l++) {
                int bits = 0;
                for (int n = 0; n < 8; n++) {
                    bits |= in[i + l * 8 + n] >= 0 ? 1 << n : 0;
                }
                putByte(out, block + QS + l, bits);
            }
        }
    }
}
