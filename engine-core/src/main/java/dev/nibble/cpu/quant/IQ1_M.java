package dev.nibble.cpu.quant;

import static dev.nibble.cpu.quant.LittleEndian.u16;
import static dev.nibble.cpu.quant.LittleEndian.u8;

import dev.nibble.tensor.DType;
import java.lang.foreign.MemorySegment;

/**
 * 256 weights in 56 bytes, 1.75 bits per weight: 16 sub-blocks of 16 weights, each with a 3-bit scale; every eight
 * weights are one of 2048 points of a grid of -1, 0 and 1 with a shift of an eighth up or down.
 *
 * <pre>
 * byte 0         32         48              56
 *      | qs[32]  | qh[16]   | scales[4]     |
 *       index      4 bits     16 bits each: 4 x 3-bit scale, then 4 bits of the half d
 *       low bits   each: 3 high bits of an index, 1 bit for a shift down
 * </pre>
 *
 * <p>The lowest four bits of d are in the first scales.
 *
 * <p>{@code w[j] = d * (2 * scale[j / 16] + 1) * (grid[index][j % 8] + shift[j / 8])}, with the grid of {@link IQ1_S}
 */
final class IQ1_M extends PackedFormat {
    static final IQ1_M INSTANCE = new IQ1_M();

    static final int BLOCK_SIZE = 256;
    static final int BLOCK_BYTES = 56;
    static final int QS = 0;
    static final int QH = 32;
    static final int SCALES = 48;
    static final int GROUPS = 32;

    private IQ1_M() {
        super(DType.IQ1_M);
    }

    @Override
    void dequantizeBlock(MemorySegment data, long block, float[] out, int o) {
        int bits = 0;
        for (int i = 0; i < 4; i++) {
            bits |= u16(data, block + SCALES + 2 * i) >> 12 << 4 * i;
        }
        float d = Float.float16ToFloat((short) bits);
        for (int g = 0; g < GROUPS; g++) {
            float scale = d * (2 * (u16(data, block + SCALES + g / 8 * 2) >> g / 2 % 4 * 3 & 7) + 1);
            int qh = u8(data, block + QH + g / 2) >> g % 2 * 4;
            int index = u8(data, block + QS + g) | (qh & 7) << 8;
            float shift = (qh & 8) == 0 ? IQ1_S.SHIFT : -IQ1_S.SHIFT;
            for (int j = 0; j < 8; j++) {
                out[o + g * 8 + j] = scale * (IQ1_S.GRID[index * 8 + j] + shift);
            }
        }
    }

    @Override
    public boolean canQuantize() {
        return false;
    }
}
