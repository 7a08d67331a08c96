package dev.nibble.cpu.quant;

import static dev.nibble.cpu.quant.LittleEndian.half;
import static dev.nibble.cpu.quant.LittleEndian.u8;

import dev.nibble.tensor.DType;
import java.lang.foreign.MemorySegment;

/**
 * 256 weights in 82 bytes, 2.5625 bits per weight: 16 sub-blocks of 16 weights, each with a 4-bit scale; every eight
 * weights are one of 1024 grid points with signs of their own.
 *
 * <pre>
 * byte 0     2         34          66         74          82
 *      | d   | qs[32]  | signs[32] | qh[8]    | scales[8] |
 *       half   index     1 bit       2 high     16 x 4 bits
 *              low bits  each        bits each
 * </pre>
 *
 * <p>Group {@code g} (weights {@code 8g} to {@code 8g + 7}) has the index {@code qs[g]} with bits {@code 2 * (g % 4)} and
 * on of {@code qh[g / 4]} as its high bits; bit {@code j} of {@code signs[g]} makes its weight {@code j} negative.
 *
 * <p>{@code w[j] = d * (0.5 + scale[j / 16]) * 0.25 * grid[index][j % 8] * sign[j]}
 */
final class IQ2_S extends PackedFormat {
    static final IQ2_S INSTANCE = new IQ2_S();

    static final int BLOCK_SIZE = 256;
    static final int BLOCK_BYTES = 82;
    static final int D = 0;
    static final int QS = 2;
    static final int SIGNS = 34;
    static final int QH = 66;
    static final int SCALES = 74;
    static final int GROUPS = 32;

    private static final byte[] GRID = IqGrids.iq2s();

    private IQ2_S() {
        super(DType.IQ2_S);
    }

    @Override
    void dequantizeBlock(MemorySegment data, long block, float[] out, int o) {
        float d = half(data, block + D);
        for (int g = 0; g < GROUPS; g++) {
            int scale = u8(data, block + SCALES + g / 4) >> g / 2 % 2 * 4 & 0xF;
            float ds = d * (0.5f + scale) * 0.25f;
            int index = u8(data, block + QS + g) | (u8(data, block + QH + g / 4) >> g % 4 * 2 & 3) << 8;
            IqGrids.put8(GRID, index, ds, u8(data, block + SIGNS + g), out, o + g * 8);
        }
    }

    @Override
    public boolean canQuantize() {
        return false;
    }
}
