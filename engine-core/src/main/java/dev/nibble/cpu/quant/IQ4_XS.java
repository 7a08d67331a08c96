package dev.nibble.cpu.quant;

import static dev.nibble.cpu.quant.LittleEndian.half;
import static dev.nibble.cpu.quant.LittleEndian.putByte;
import static dev.nibble.cpu.quant.LittleEndian.putInt;
import static dev.nibble.cpu.quant.LittleEndian.putShort;
import static dev.nibble.cpu.quant.LittleEndian.u16;
import static dev.nibble.cpu.quant.LittleEndian.u8;

import dev.nibble.tensor.DType;
import java.lang.foreign.MemorySegment;

/**
 * 256 weights in 136 bytes, 4.25 bits per weight: 8 sub-blocks of 32 weights, each with a 6-bit scale; the weights are
 * 4-bit indices into sixteen unevenly spaced levels.
 *
 * <pre>
 * byte 0     2           4             8              136
 *      | d   | scales_h  | scales_l[4] | qs[128]      |
 *       half   8 x 2 bits  8 x 4 bits    4 bits each
 * </pre>
 *
 * <p>Byte {@code 16s + l} of qs holds the weights {@code 32s + l} (low nibble) and {@code 32s + 16 + l} (high nibble).
 *
 * <p>{@code w[j] = d * (scale[j / 32] - 32) * level[q[j]]}, see {@link Iq4Levels}
 */
final class IQ4_XS extends PackedFormat {
    static final IQ4_XS INSTANCE = new IQ4_XS();

    static final int BLOCK_SIZE = 256;
    static final int BLOCK_BYTES = 136;
    static final int D = 0;
    static final int SCALES_H = 2;
    static final int SCALES_L = 4;
    static final int QS = 8;
    static final int SUB_BLOCKS = 8;
    static final int SUB_BLOCK = 32;

    private IQ4_XS() {
        super(DType.IQ4_XS);
    }

    @Override
    void dequantizeBlock(MemorySegment data, long block, float[] out, int o) {
        float d = half(data, block + D);
        int high = u16(data, block + SCALES_H);
        for (int s = 0; s < SUB_BLOCKS; s++) {
            int low = u8(data, block + SCALES_L + s / 2) >> s % 2 * 4 & 0xF;
            float scale = d * ((low | (high >> 2 * s & 3) << 4) - 32);
            long qs = block + QS + s * SUB_BLOCK / 2;
            int at = o + s * SUB_BLOCK;
            for (int l = 0; l < SUB_BLOCK / 2; l++) {
                int q = u8(data, qs + l);
                out[at + l] = scale * Iq4Levels.level(q & 0xF);
                out[at + l + SUB_BLOCK / 2] = scale * Iq4Levels.level(q >> 4);
            }
        }
    }

    @Override
    void quantizeBlocks(float[] in, int inOffset, int blocks, MemorySegment out, long offset) {

        float[] scales = new float[SUB_BLOCKS];
        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BLOCK_BYTES;
            int i = inOffset + b * BLOCK_SIZE;
            for (int s = 0; s < SUB_BLOCKS; s++) {
                scales[s] = Iq4Levels.fit(in, i + s * SUB_BLOCK, SUB_BLOCK);
            }
            float d = Rounding.storedHalf(Rounding.extreme(scales, 0, SUB_BLOCKS) / -32, out, block + D);
            int high = 0;
            int low = 0;
            for (int s = 0; s < SUB_BLOCKS; s++) {
                int scale = Rounding.level(scales[s], d, -32, 31);
                high |= scale + 32 >> 4 << 2 * s;
                low |= (scale + 32 & 0xF) << 4 * s;
                float inverse = Rounding.inverse(d * scale);
                for (int l = 0; l < SUB_BLOCK / 2; l++) {
                    int first = Iq4Levels.nearest(in[i + s * SUB_BLOCK + l] * inverse);
                    int second = Iq4Levels.nearest(in[i + s * SUB_BLOCK + l + SUB_BLOCK / 2] * inverse);
                    putByte(out, block + QS + s * SUB_BLOCK / 2 + l, first | second << 4);
                }
            }
            putShort(out, block + SCALES_H, high);
            putInt(out, block + SCALES_L, low);
        }
    }
}
