package dev.nibble.cpu.quant;

import static dev.nibble.cpu.quant.LittleEndian.half;
import static dev.nibble.cpu.quant.LittleEndian.putByte;
import static dev.nibble.cpu.quant.LittleEndian.u8;

import dev.nibble.tensor.DType;
import java.lang.foreign.MemorySegment;

/**
 * 256 weights in 110 bytes, 3.4375 bits per weight: 16 sub-blocks of 16 weights, each with a 6-bit scale.
 *
 * <pre>
 * byte 0            32             96           108   110
 *      | hmask[32]  | qs[64]       | scales[12] | d   |
 *       high bits     2 bits each    16 x 6 bits  half
 * </pre>
 *
 * <p>Byte {@code 32h + l} of qs holds the weights {@code 128h + l}, {@code + 32}, {@code + 64} and {@code + 96}, the
 * first in the lowest bits. Bit {@code j / 32} of byte {@code j % 32} of hmask is the high bit of weight {@code j}.
 * The low four bits of scale {@code s} are a nibble of byte {@code s % 8} (low nibbles first), its high two bits are in
 * byte {@code 8 + s % 4}, those of scales 0 to 3 in the lowest bits.
 *
 * <p>{@code w[j] = d * (scale[j / 16] - 32) * (q[j] + 4 * h[j] - 4)}
 */
final class Q3_K extends PackedFormat {
    static final Q3_K INSTANCE = new Q3_K();

    static final int BLOCK_SIZE = 256;
    static final int BLOCK_BYTES = 110;
    static final int HMASK = 0;
    static final int QS = 32;
    static final int SCALES = 96;
    static final int D = 108;
    static final int SUB_BLOCKS = 16;
    static final int SUB_BLOCK = 16;

    private Q3_K() {
        super(DType.Q3_K);
    }

    @Override
    void dequantizeBlock(MemorySegment data, long block, float[] out, int o) {
        float d = half(data, block + D);
        for (int s = 0; s < SUB_BLOCKS; s++) {
            int low = u8(data, block + SCALES + s % 8) >> s / 8 * 4 & 0xF;
            int high = u8(data, block + SCALES + 8 + s % 4) >> s / 4 * 2 & 3;
            float scale = d * ((low | high << 4) - 32);
            long qs = block + quants(s);
            long hmask = block + HMASK + s % 2 * SUB_BLOCK;
            int shift = shift(s);
            for (int l = 0; l < SUB_BLOCK; l++) {
                int q = u8(data, qs + l) >> shift & 3;
                int h = u8(data, hmask + l) >> s / 2 & 1;
                out[o + s * SUB_BLOCK + l] = scale * (q + 4 * h - 4);
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

        SymmetricFit fit = new SymmetricFit(4);
        float[] scales = new float[SUB_BLOCKS];
        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BLOCK_BYTES;
            int i = inOffset + b * BLOCK_SIZE;
            for (int s = 0; s < SUB_BLOCKS; s++) {
                scales[s] = fit.scale(in, i + s * SUB_BLOCK, SUB_BLOCK);
            }
            out.asSlice(block, BLOCK_BYTES).fill((byte) 0);
            float d = Rounding.storedHalf(Rounding.extreme(scales, 0, SUB_BLOCKS) / -32, out, block + D);
            for (int s = 0; s < SUB_BLOCKS; s++) {
                int scale = Rounding.level(scales[s], d, -32, 31);
                orByte(out, block + SCALES + s % 8, (scale + 32 & 0xF) << s / 8 * 4);
                orByte(out, block + SCALES + 8 + s % 4, scale + 32 >> 4 << s / 4 * 2);
                for (int l = 0; l < SUB_BLOCK; l++) {
                    int q = Rounding.level(in[i + s * SUB_BLOCK + l], d * scale, -4, 3) + 4;
                    orByte(out, block + quants(s) + l, (q & 3) << shift(s));
                    orByte(out, block + HMASK + s % 2 * SUB_BLOCK + l, q >> 2 << s / 2);
                }
            }
        }
    }

    private static void orByte(MemorySegment out, long offset, int bits) {
        putByte(out, offset, u8(out, offset) | bits);
    }
}
