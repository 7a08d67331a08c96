package dev.nibble.cpu.quant;

import static dev.nibble.cpu.quant.LittleEndian.half;
import static dev.nibble.cpu.quant.LittleEndian.putByte;
import static dev.nibble.cpu.quant.LittleEndian.u8;

import dev.nibble.tensor.DType;
import java.lang.foreign.MemorySegment;

/**
 * 256 weights in 84 bytes, 2.625 bits per weight: 16 sub-blocks of 16 weights, each with a 4-bit scale and minimum.
 *
 * <pre>
 * byte 0                      16              80     82     84
 *      | m0:s0 ... m15:s15    | qs[64]        | d    | dmin |
 *       high nibble : low       2 bits each    half   half
 * </pre>
 *
 * <p>Byte {@code 32h + l} of qs holds the weights {@code 128h + l}, {@code + 32}, {@code + 64} and {@code + 96}, the
 * first in the lowest bits.
 *
 * <p>{@code w[j] = d * s[j / 16] * q[j] - dmin * m[j / 16]}
 */
final class Q2_K extends PackedFormat {
    static final Q2_K INSTANCE = new Q2_K();

    static final int BLOCK_SIZE = 256;
    static final int BLOCK_BYTES = 84;
    static final int SCALES = 0;
    static final int QS = 16;
    static final int D = 80;
    static final int DMIN = 82;
    static final int SUB_BLOCKS = 16;
    static final int SUB_BLOCK = 16;

    private Q2_K() {
        super(DType.Q2_K);
    }

    @Override
    void dequantizeBlock(MemorySegment data, long block, float[] out, int o) {
        float d = half(data, block + D);
        float dmin = half(data, block + DMIN);
        for (int s = 0; s < SUB_BLOCKS; s++) {
            int scales = u8(data, block + SCALES + s);
            float scale = d * (scales & 0xF);
            float min = dmin * (scales >> 4);
            long qs = block + quants(s);
            int shift = shift(s);
            for (int l = 0; l < SUB_BLOCK; l++) {
                out[o + s * SUB_BLOCK + l] = scale * (u8(data, qs + l) >> shift & 3) - min;
            }
        }
    }

    /** Where in a block the bytes of sub-block {@code s} start. */
    private static int quants(int s) {
        return QS + s / 8 * 32 + s % 2 * SUB_BLOCK;
    }

    /** Where in those bytes its weights are. */
    private static int shift(int s) {
        return s % 8 / 2 * 2;
    }

    @Override
    void quantizeBlocks(float[] in, int inOffset, int blocks, MemorySegment out, long offset) {

        AffineFit fit = new AffineFit(SUB_BLOCK);
        float[] scales = new float[SUB_BLOCKS];
        float[] mins = new float[SUB_BLOCKS];
        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BLOCK_BYTES;
            int i = inOffset + b * BLOCK_SIZE;
            for (int s = 0; s < SUB_BLOCKS; s++) {
                fit.fit(in, i + s * SUB_BLOCK, 3);
                scales[s] = fit.scale();
                mins[s] = fit.min();
            }
            float d = Rounding.storedHalf(Rounding.max(scales, 0, SUB_BLOCKS) / 15, out, block + D);
            float dmin = Rounding.storedHalf(Rounding.max(mins, 0, SUB_BLOCKS) / 15, out, block + DMIN);
            out.asSlice(block + QS, BLOCK_SIZE / 4).fill((byte) 0);
            for (int s = 0; s < SUB_BLOCKS; s++) {
                int scale = Rounding.level(scales[s], d, 0, 15);
                int min = Rounding.level(mins[s], dmin, 0, 15);
                putByte(out, block + SCALES + s, scale | min << 4);
                for (int l = 0; l < SUB_BLOCK; l++) {
                    int q = Rounding.level(in[i + s * SUB_BLOCK + l] + dmin * min, d * scale, 0, 3);
                    long at = block + quants(s) + l;
                    putByte(out, at, u8(out, at) | q << shift(s));
                }
            }
        }
    }
}
