package dev.nibble.cpu.quant;

import static dev.nibble.cpu.quant.LittleEndian.half;
import static dev.nibble.cpu.quant.LittleEndian.putByte;
import static dev.nibble.cpu.quant.LittleEndian.u8;

import dev.nibble.tensor.DType;
import java.lang.foreign.MemorySegment;

/**
 * 256 weights in 66 bytes, 2.0625 bits per weight: ternary weights, four to a byte.
 *
 * <pre>
 * byte 0              64    66
 *      | qs[64]       | d   |
 *       2 bits each     half
 * </pre>
 *
 * <p>Byte {@code 32h + l} of qs holds the weights {@code 128h + l}, {@code + 32}, {@code + 64} and {@code + 96}, the
 * first in the lowest bits.
 *
 * <p>{@code w[j] = (q[j] - 1) * d}
 */
final class TQ2_0 extends PackedFormat {
    static final TQ2_0 INSTANCE = new TQ2_0();

    static final int BLOCK_SIZE = 256;
    static final int BLOCK_BYTES = 66;
    static final int QS = 0;
    static final int D = 64;

    private TQ2_0() {
        super(DType.TQ2_0);
    }

    @Override
    void dequantizeBlock(MemorySegment data, long block, float[] out, int o) {
        float d = half(data, block + D);
        for (int s = 0; s < BLOCK_SIZE / 32; s++) {
            long qs = block + QS + s / 4 * 32;
            int shift = s % 4 * 2;
            for (int l = 0; l < 32; l++) {
                out[o + s * 32 + l] = ((u8(data, qs + l) >> shift & 3) - 1) * d;
            }
        }
    }

    @Override
    void quantizeBlocks(float[] in, int inOffset, int blocks, MemorySegment out, long offset) {

        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BLOCK_BYTES;
            int i = inOffset + b * BLOCK_SIZE;
            float d = Rounding.storedHalf(Rounding.maxAbs(in, i, BLOCK_SIZE), out, block + D);
            for (int l = 0; l < BLOCK_SIZE / 4; l++) {
                int bits = 0;
                for (int n = 0; n < 4; n++) {
                    float value = in[i + l / 32 * 128 + n * 32 + l % 32];
                    bits |= Rounding.level(value, d, -1, 1) + 1 << 2 * n;
                }
                putByte(out, block + QS + l, bits);
            }
        }
    }
}
