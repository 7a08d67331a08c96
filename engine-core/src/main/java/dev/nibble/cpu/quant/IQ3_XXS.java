package dev.nibble.cpu.quant;

import static dev.nibble.cpu.quant.LittleEndian.half;
import static dev.nibble.cpu.quant.LittleEndian.i32;
import static dev.nibble.cpu.quant.LittleEndian.u8;

import dev.nibble.tensor.DType;
import java.lang.foreign.MemorySegment;

/**
 * 256 weights in 98 bytes, 3.0625 bits per weight: 8 sub-blocks of 32 weights; every four weights are one of 256 grid
 * points, every eight share seven bits of signs.
 *
 * <pre>
 * byte 0     2         66                  98
 *      | d   | qs[64]  | scales_signs[8]   |
 *       half   indices   32 bits each: 4 x 7 bits of signs, then a 4-bit scale
 * </pre>
 *
 * <p>The eighth sign makes the number of negative weights even, see {@link IqGrids#signs}.
 *
 * <p>{@code w[j] = d * (0.5 + scale[j / 32]) * 0.5 * grid[qs[j / 4]][j % 4] * sign[j]}
 */
final class IQ3_XXS extends PackedFormat {
    static final IQ3_XXS INSTANCE = new IQ3_XXS();

    static final int BLOCK_SIZE = 256;
    static final int BLOCK_BYTES = 98;
    static final int D = 0;
    static final int QS = 2;
    static final int SCALES_SIGNS = 66;
    static final int SUB_BLOCKS = 8;

    private static final byte[] GRID = IqGrids.iq3xxs();

    private IQ3_XXS() {
        super(DType.IQ3_XXS);
    }

    @Override
    void dequantizeBlock(MemorySegment data, long block, float[] out, int o) {
        float d = half(data, block + D);
        for (int s = 0; s < SUB_BLOCKS; s++) {
            int bits = i32(data, block + SCALES_SIGNS + s * 4);
            float ds = d * (0.5f + (bits >>> 28)) * 0.5f;
            for (int g = 0; g < 8; g++) {
                int signs = IqGrids.signs(bits >>> 7 * (g / 2)) >> g % 2 * 4;
                IqGrids.put4(GRID, u8(data, block + QS + s * 8 + g), ds, signs, out, o + s * 32 + g * 4);
            }
        }
    }

    @Override
    public boolean canQuantize() {
        return false;
    }
}
