package dev.nibble.cpu.quant;

import static dev.nibble.cpu.quant.LittleEndian.half;
import static dev.nibble.cpu.quant.LittleEndian.i8;
import static dev.nibble.cpu.quant.LittleEndian.putByte;
import static dev.nibble.cpu.quant.LittleEndian.u8;

import dev.nibble.tensor.DType;
import java.lang.foreign.MemorySegment;

/**
 * 256 weights in 210 bytes, 6.5625 bits per weight: 16 sub-blocks of 16 weights, each with an 8-bit scale.
 *
 * <pre>
 * byte 0               128             192          208   210
 *      | ql[128]       | qh[64]        | scales[16] | d   |
 *       four low bits    two high bits   int8         half
 * </pre>
 *
 * <p>In half {@code h} of the block (128 weights) and for {@code l} from 0 to 31, bytes {@code 64h + l} and
 * {@code 64h + 32 + l} of ql hold in their low nibbles weights {@code l} and {@code l + 32}, in their high nibbles
 * weights {@code l + 64} and {@code l + 96}; byte {@code 32h + l} of qh holds the high bits of all four, the first in
 * the lowest bits.
 *
 * <p>{@code w[j] = d * scale[j / 16] * (q[j] - 32)}
 */
final class Q6_K extends PackedFormat {
    static final Q6_K INSTANCE = new Q6_K();

    static final int BLOCK_SIZE = 256;
    static final int BLOCK_BYTES = 210;
    static final int QL = 0;
    static final int QH = 128;
    static final int SCALES = 192;
    static final int D = 208;
    static final int SUB_BLOCKS = 16;
    static final int SUB_BLOCK = 16;

    private Q6_K() {
        super(DType.Q6_K);
    }

    @Override
    void dequantizeBlock(MemorySegment data, long block, float[] out, int o) {
        float d = half(data, block + D);
        for (int s = 0; s < SUB_BLOCKS; s++) {
            float scale = d * i8(data, block + SCALES + s);
            long ql = block + low(s);
            long qh = block + high(s);
            int lowShift = lowShift(s);
            int highShift = highShift(s);
            for (int l = 0; l < SUB_BLOCK; l++) {
                int q = u8(data, ql + l) >> lowShift & 0xF | (u8(data, qh + l) >> highShift & 3) << 4;
                out[o + s * SUB_BLOCK + l] = scale * (q - 32);
            }
        }
    }

    /** Where in a block the low bits of sub-block {@code s} start. */
    private static int low(int s) {
        return QL + s / 8 * 64 + s % 4 * SUB_BLOCK;
    }

    /** Where in those bytes its bits are. */
    private static int lowShift(int s) {
        return s % 8 / 4 * 4;
    }

    /** Where in a block the high bits of sub-block {@code s} start. */
    private static int high(int s) {
        return QH + s / 8 * 32 + s % 2 * SUB_BLOCK;
    }

    /** Where in those bytes its bits are. */
    private static int highShift(int s) {
        return s % 8 / 2 * 2;
    }

    @Override
    void quantizeBlocks(float[] in, int inOffset, int blocks, MemorySegment out, long offset) {

        SymmetricFit fit = new SymmetricFit(32);
        float[] scales = new float[SUB_BLOCKS];
        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BLOCK_BYTES;
            int i = inOffset + b * BLOCK_SIZE;
            for (int s = 0; s < SUB_BLOCKS; s++) {
                scales[s] = fit.scale(in, i + s * SUB_BLOCK, SUB_BLOCK);
            }
            out.asSlice(block, BLOCK_BYTES).fill((byte) 0);
            float d = Rounding.storedHalf(Rounding.extreme(scales, 0, SUB_BLOCKS) / -128, out, block + D);
            for (int s = 0; s < SUB_BLOCKS; s++) {
                int scale = Rounding.level(scales[s], d, -128, 127);
                putByte(out, block + SCALES + s, scale);
                for (int l = 0; l < SUB_BLOCK; l++) {
                    int q = Rounding.level(in[i + s * SUB_BLOCK + l], d * scale, -32, 31) + 32;
                    long ql = block + low(s) + l;
                    long qh = block + high(s) + l;
                    putByte(out, ql, u8(out, ql) | (q & 0xF) << lowShift(s));
                    putByte(out, qh, u8(out, qh) | q >> 4 << highShift(s));
                }
            }
        }
    }
}
