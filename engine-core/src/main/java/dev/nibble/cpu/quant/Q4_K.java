package dev.nibble.cpu.quant;

import static dev.nibble.cpu.quant.LittleEndian.half;
import static dev.nibble.cpu.quant.LittleEndian.putByte;
import static dev.nibble.cpu.quant.LittleEndian.u8;

import dev.nibble.tensor.DType;
import java.lang.foreign.MemorySegment;

/**
 * 256 weights in 144 bytes, 4.5 bits per weight: 8 sub-blocks of 32 weights, each with a 6-bit scale and minimum.
 *
 * <pre>
 * byte 0     2      4             16             144
 *      | d   | dmin | scales[12]  | qs[128]      |
 *       half   half   see KScales   4 bits each
 * </pre>
 *
 * <p>Byte {@code 32p + l} of qs holds the weights {@code 64p + l} (low nibble) and {@code 64p + 32 + l} (high nibble).
 *
 * <p>{@code w[j] = d * scale[j / 32] * q[j] - dmin * min[j / 32]}
 */
final class Q4_K extends PackedFormat {
    static final Q4_K INSTANCE = new Q4_K();

    static final int BLOCK_SIZE = 256;
    static final int BLOCK_BYTES = 144;
    static final int D = 0;
    static final int DMIN = 2;
    static final int SCALES = 4;
    static final int QS = 16;
    static final int SUB_BLOCKS = 8;
    static final int SUB_BLOCK = 32;

    private Q4_K() {
        super(DType.Q4_K);
    }

    @Override
    void dequantizeBlock(MemorySegment data, long block, float[] out, int o) {
        float d = half(data, block + D);
        float dmin = half(data, block + DMIN);
        for (int s = 0; s < SUB_BLOCKS; s += 2) {
            float scale0 = d * KScales.scale(data, block + SCALES, s);
            float min0 = dmin * KScales.min(data, block + SCALES, s);
            float scale1 = d * KScales.scale(data, block + SCALES, s + 1);
            float min1 = dmin * KScales.min(data, block + SCALES, s + 1);
            long qs = block + QS + s / 2 * SUB_BLOCK;
            int at = o + s * SUB_BLOCK;
            for (int l = 0; l < SUB_BLOCK; l++) {
                int q = u8(data, qs + l);
                out[at + l] = scale0 * (q & 0xF) - min0;
                out[at + l + SUB_BLOCK] = scale1 * (q >> 4) - min1;
            }
        }
    }

    @Override
    void quantizeBlocks(float[] in, int inOffset, int blocks, MemorySegment out, long offset) {

        KQuantizer quantizer = new KQuantizer(15);
        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BLOCK_BYTES;
            quantizer.quantize(in, inOffset + b * BLOCK_SIZE, out, block + D, block + DMIN, block + SCALES);
            byte[] q = quantizer.levels();
            for (int s = 0; s < SUB_BLOCKS; s += 2) {
                for (int l = 0; l < SUB_BLOCK; l++) {
                    int at = s * SUB_BLOCK + l;
                    putByte(out, block + QS + s / 2 * SUB_BLOCK + l, q[at] | q[at + SUB_BLOCK] << 4);
                }
            }
        }
    }
}
