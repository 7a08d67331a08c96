package dev.nibble.cpu.quant;

import static dev.nibble.cpu.quant.LittleEndian.half;
import static dev.nibble.cpu.quant.LittleEndian.i32;
import static dev.nibble.cpu.quant.LittleEndian.u8;

import dev.nibble.tensor.DType;
import java.lang.foreign.MemorySegment;

/**
 * 256 weights in 66 bytes, 2.0625 bits per weight: 8 sub-blocks of 32 weights, each with a 4-bit scale; every eight
 * weights are one of 256 grid points with seven bits of signs.
 *
 * <pre>
 * byte 0     2                             66
 *      | d   | qs[8]                       |
 *       half   64 bits each: 4 x 8 bits of index, 4 x 7 bits of signs, then a 4-bit scale
 * </pre>
 *
 * <p>The eighth sign makes the number of negative weights even, see {@link IqGrids#signs}.
 *
 * <p>{@code w[j] = d * (0.5 + scale[j / 32]) * 0.25 * grid[index][j % 8] * sign[j]}
 */
final class IQ2_XXS extends PackedFormat {
    static final IQ2_XXS INSTANCE = new IQ2_XXS();

    static final int BLOCK_SIZE = 256;
    static final int BLOCK_BYTES = 66;
    static final int D = 0;
    static final int QS = 2;
    static final int SUB_BLOCKS = 8;

    private static final byte[] GRID = IqGrids.iq2xxs();

    private IQ2_XXS() {
        super(DType.IQ2_XXS);
    }

    @Override
    void dequantizeBlock(MemorySegment data, long block, float[] out, int o) {
        float d = half(data, block + D);
        for (int s = 0; s < SUB_BLOCKS; s++) {
            long qs = block + QS + s * 8;
            int bits = i32(data, qs + 4);
            float ds = d * (0.5f + (bits >>> 28)) * 0.25f;
            for (int g = 0; g < 4; g++) {
                IqGrids.put8(GRID, u8(data, qs + g), ds, IqGrids.signs(bits >>> 7 * g), out, o + s * 32 + g * 8);
            }
        }
    }

    @Override
    public boolean canQuantize() {
        return false;
    }
}
