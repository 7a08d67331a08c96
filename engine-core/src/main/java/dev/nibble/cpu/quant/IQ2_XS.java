package dev.nibble.cpu.quant;

import static dev.nibble.cpu.quant.LittleEndian.half;
import static dev.nibble.cpu.quant.LittleEndian.u16;
import static dev.nibble.cpu.quant.LittleEndian.u8;

import dev.nibble.tensor.DType;
import java.lang.foreign.MemorySegment;

/**
 * 256 weights in 74 bytes, 2.3125 bits per weight: 16 sub-blocks of 16 weights, each with a 4-bit scale; every eight
 * weights are one of 512 grid points with seven bits of signs.
 *
 * <pre>
 * byte 0     2                             66          74
 *      | d   | qs[32]                      | scales[8] |
 *       half   16 bits each:                 16 x 4 bits
 *              9 of index, then 7 of signs
 * </pre>
 *
 * <p>The eighth sign makes the number of negative weights even, see {@link IqGrids#signs}.
 *
 * <p>{@code w[j] = d * (0.5 + scale[j / 16]) * 0.25 * grid[index][j % 8] * sign[j]}
 */
final class IQ2_XS extends PackedFormat {
    static final IQ2_XS INSTANCE = new IQ2_XS();

    static final int BLOCK_SIZE = 256;
    static final int BLOCK_BYTES = 74;
    static final int D = 0;
    static final int QS = 2;
    static final int SCALES = 66;
    static final int GROUPS = 32;

    private static final byte[] GRID = IqGrids.iq2xs();

    private IQ2_XS() {
        super(DType.IQ2_XS);
    }

    @Override
    void dequantizeBlock(MemorySegment data, long block, float[] out, int o) {
        float d = half(data, block + D);
        for (int g = 0; g < GROUPS; g++) {
            int scale = u8(data, block + SCALES + g / 4) >> g / 2 % 2 * 4 & 0xF;
            float ds = d * (0.5f + scale) * 0.25f;
            int q = u16(data, block + QS + g * 2);
            IqGrids.put8(GRID, q & 511, ds, IqGrids.signs(q >> 9), out, o + g * 8);
        }
    }

    @Override
    public boolean canQuantize() {
        return false;
    }
}
