package dev.nibble.cpu.quant;

import static dev.nibble.cpu.quant.LittleEndian.half;
import static dev.nibble.cpu.quant.LittleEndian.putByte;
import static dev.nibble.cpu.quant.LittleEndian.u8;

import dev.nibble.tensor.DType;
import java.lang.foreign.MemorySegment;

/**
 * 64 weights in 18 bytes, 2.25 bits per weight.
 *
 * <pre>
 * byte 0     2              18
 *      | d   | qs[16]       |     weight j in bits 2 * (j % 4) and on of byte j / 4
 *       half   2 bits each
 * </pre>
 *
 * <p>{@code w[j] = (q[j] - 1) * d}
 */
final class Q2_0 extends PackedFormat {
    static final Q2_0 INSTANCE = new Q2_0();

    static final int BLOCK_SIZE = 64;
    static final int BLOCK_BYTES = 18;
    static final int D = 0;
    static final int QS = 2;

    private Q2_0() {
        super(DType.Q2_0);
    }

    @Override
    void dequantizeBlock(MemorySegment data, long block, float[] out, int o) {
        float d = half(data, block + D);
        for (int l = 0; l < BLOCK_SIZE / 4; l++) {
            int q = u8(data, block + QS + l);
            for (int n = 0; n < 4; n++) {
                out[o + l * 4 + n] = ((q >> 2 * n & 3) - 1) * d;
            }
        }
    }

    @Override
    void quantizeBlocks(float[] in, int inOffset, int blocks, MemorySegment out, long offset) {

        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BLOCK_BYTES;
            int i = inOffset + b * BLOCK_SIZE;
            float d = Rounding.storedHalf(Rounding.maxAbs(in, i, BLOCK_SIZE), out, block + D);
            for (int l = 0; l < BLOCK_SIZE / 4; l++) {
                int bits = 0;
                for (int n = 0; n < 4; n++) {
                    bits |= Rounding.level(in[i + l * 4 + n], d, -1, 1) + 1 << 2 * n;
                }
                putByte(out, block + QS + l, bits);
            }
        }
    }
}
