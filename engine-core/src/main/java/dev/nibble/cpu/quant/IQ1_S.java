package dev.nibble.cpu.quant;

import static dev.nibble.cpu.quant.LittleEndian.half;
import static dev.nibble.cpu.quant.LittleEndian.u16;
import static dev.nibble.cpu.quant.LittleEndian.u8;

import dev.nibble.tensor.DType;
import java.lang.foreign.MemorySegment;

/**
 * 256 weights in 50 bytes, 1.5625 bits per weight: 8 sub-blocks of 32 weights, each with a 3-bit scale and a shift of
 * an eighth up or down; every eight weights are one of 2048 points of a grid of -1, 0 and 1.
 *
 * <pre>
 * byte 0     2         34           50
 *      | d   | qs[32]  | qh[8]      |
 *       half   index     16 bits each: 4 x 3 high bits of an index, a 3-bit scale, 1 bit for a shift down
 *              low bits
 * </pre>
 *
 * <p>{@code w[j] = d * (2 * scale[j / 32] + 1) * (grid[index][j % 8] + shift[j / 32])}
 */
final class IQ1_S extends PackedFormat {
    static final IQ1_S INSTANCE = new IQ1_S();

    static final int BLOCK_SIZE = 256;
    static final int BLOCK_BYTES = 50;
    static final int D = 0;
    static final int QS = 2;
    static final int QH = 34;
    static final int SUB_BLOCKS = 8;

    static final float SHIFT = 0.125f;
    static final byte[] GRID = IqGrids.iq1();

    private IQ1_S() {
        super(DType.IQ1_S);
    }

    @Override
    void dequantizeBlock(MemorySegment data, long block, float[] out, int o) {
        float d = half(data, block + D);
        for (int s = 0; s < SUB_BLOCKS; s++) {
            int qh = u16(data, block + QH + s * 2);
            float scale = d * (2 * (qh >> 12 & 7) + 1);
            float shift = (qh & 0x8000) == 0 ? SHIFT : -SHIFT;
            for (int g = 0; g < 4; g++) {
                int index = u8(data, block + QS + s * 4 + g) | (qh >> 3 * g & 7) << 8;
                int at = o + s * 32 + g * 8;
                for (int j = 0; j < 8; j++) {
                    out[at + j] = scale * (GRID[index * 8 + j] + shift);
                }
            }
        }
    }

    @Override
    public boolean canQuantize() {
        return false;
    }
}
