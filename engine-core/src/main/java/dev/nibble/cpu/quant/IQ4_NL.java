package dev.nibble.cpu.quant;

import static dev.nibble.cpu.quant.LittleEndian.half;
import static dev.nibble.cpu.quant.LittleEndian.putByte;
import static dev.nibble.cpu.quant.LittleEndian.u8;

import dev.nibble.tensor.DType;
import java.lang.foreign.MemorySegment;

/**
 * 32 weights in 18 bytes, 4.5 bits per weight: 4-bit indices into sixteen unevenly spaced levels.
 *
 * <pre>
 * byte 0     2                              18
 *      | d   | q16:q0 q17:q1 ... q31:q15    |     high nibble : low nibble
 *       half   4 bits each
 * </pre>
 *
 * <p>{@code w[j] = d * level[q[j]]}, see {@link Iq4Levels}
 */
final class IQ4_NL extends PackedFormat {
    static final IQ4_NL INSTANCE = new IQ4_NL();

    static final int BLOCK_SIZE = 32;
    static final int BLOCK_BYTES = 18;
    static final int D = 0;
    static final int QS = 2;

    private IQ4_NL() {
        super(DType.IQ4_NL);
    }

    @Override
    void dequantizeBlock(MemorySegment data, long block, float[] out, int o) {
        float d = half(data, block + D);
        for (int j = 0; j < BLOCK_SIZE / 2; j++) {
            int q = u8(data, block + QS + j);
            out[o + j] = d * Iq4Levels.level(q & 0xF);
            out[o + j + BLOCK_SIZE / 2] = d * Iq4Levels.level(q >> 4);
        }
    }

    @Override
    void quantizeBlocks(float[] in, int inOffset, int blocks, MemorySegment out, long offset) {

        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BLOCK_BYTES;
            int i = inOffset + b * BLOCK_SIZE;
            float d = Rounding.storedHalf(Iq4Levels.fit(in, i, BLOCK_SIZE), out, block + D);
            float inverse = Rounding.inverse(d);
            for (int j = 0; j < BLOCK_SIZE / 2; j++) {
                int low = Iq4Levels.nearest(in[i + j] * inverse);
                int high = Iq4Levels.nearest(in[i + j + BLOCK_SIZE / 2] * inverse);
                putByte(out, block + QS + j, low | high << 4);
            }
        }
    }
}
