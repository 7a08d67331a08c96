package dev.nibble.cpu.quant;

import static dev.nibble.cpu.quant.LittleEndian.half;
import static dev.nibble.cpu.quant.LittleEndian.u8;

import dev.nibble.tensor.DType;
import java.lang.foreign.MemorySegment;

/**
 * 256 weights in 110 bytes, 3.4375 bits per weight: 8 sub-blocks of 32 weights, each with a 4-bit scale; every four
 * weights are one of 512 grid points with signs of their own.
 *
 * <pre>
 * byte 0     2         66        74          106         110
 *      | d   | qs[64]  | qh[8]   | signs[32] | scales[4] |
 *       half   index     ninth     1 bit       8 x 4 bits
 *              low bits  bits      each
 * </pre>
 *
 * <p>Group {@code g} (weights {@code 4g} to {@code 4g + 3}) has the index {@code qs[g]} with bit {@code g % 8} of
 * {@code qh[g / 8]} as its ninth bit; bit {@code j % 8} of {@code signs[j / 8]} makes weight {@code j} negative.
 *
 * <p>{@code w[j] = d * (1 + 2 * scale[j / 32]) * grid[index][j % 4] * sign[j]}
 */
final class IQ3_S extends PackedFormat {
    static final IQ3_S INSTANCE = new IQ3_S();

    static final int BLOCK_SIZE = 256;
    static final int BLOCK_BYTES = 110;
    static final int D = 0;
    static final int QS = 2;
    static final int QH = 66;
    static final int SIGNS = 74;
    static final int SCALES = 106;
    static final int SUB_BLOCKS = 8;

    private static final byte[] GRID = IqGrids.iq3s();

    private IQ3_S() {
        super(DType.IQ3_S);
    }

    @Override
    void dequantizeBlock(MemorySegment data, long block, float[] out, int o) {
        float d = half(data, block + D);
        for (int s = 0; s < SUB_BLOCKS; s++) {
            int scale = u8(data, block + SCALES + s / 2) >> s % 2 * 4 & 0xF;
            float ds = d * (1 + 2 * scale);
            int qh = u8(data, block + QH + s);
            for (int g = 0; g < 8; g++) {
                int index = u8(data, block + QS + s * 8 + g) | (qh >> g & 1) << 8;
                int signs = u8(data, block + SIGNS + s * 4 + g / 2) >> g % 2 * 4;
                IqGrids.put4(GRID, index, ds, signs, out, o + s * 32 + g * 4);
            }
        }
    }

    @Override
    public boolean canQuantize() {
        return false;
    }
}
