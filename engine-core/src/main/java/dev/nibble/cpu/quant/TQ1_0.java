package dev.nibble.cpu.quant;

import static dev.nibble.cpu.quant.LittleEndian.half;
import static dev.nibble.cpu.quant.LittleEndian.putByte;
import static dev.nibble.cpu.quant.LittleEndian.u8;

import dev.nibble.tensor.DType;
import java.lang.foreign.MemorySegment;

/**
 * 256 weights in 54 bytes, 1.6875 bits per weight: ternary weights, five to a byte.
 *
 * <pre>
 * byte 0              48           52    54
 *      | qs[48]       | qh[4]      | d   |
 *       5 trits each    4 trits each half
 * </pre>
 *
 * <p>A byte holds the number {@code t0 * 81 + t1 * 27 + t2 * 9 + t3 * 3 + t4} scaled by 256 / 243 and rounded up, so that
 * multiplying by 3 pushes the trits out at the top one by one. Trit {@code n} of byte {@code l} is weight
 * {@code 32n + l} in the first 32 bytes, {@code 160 + 16n + l} in the next 16, {@code 240 + 4n + l} in qh.
 *
 * <p>{@code w[j] = (t[j] - 1) * d}
 */
final class TQ1_0 extends PackedFormat {
    static final TQ1_0 INSTANCE = new TQ1_0();

    static final int BLOCK_SIZE = 256;
    static final int BLOCK_BYTES = 54;
    static final int QS = 0;
    static final int QH = 48;
    static final int D = 52;

    private TQ1_0() {
        super(DType.TQ1_0);
    }

    @Override
    void dequantizeBlock(MemorySegment data, long block, float[] out, int o) {
        float d = half(data, block + D);
        unpack(data, block + QS, 32, 5, d, out, o);
        unpack(data, block + QS + 32, 16, 5, d, out, o + 160);
        unpack(data, block + QH, 4, 4, d, out, o + 240);
    }

    private static void unpack(MemorySegment data, long offset, int bytes, int trits, float d, float[] out, int o) {
        int power = 1;
        for (int n = 0; n < trits; n++) {
            for (int l = 0; l < bytes; l++) {
                int q = u8(data, offset + l) * power & 0xFF;
                out[o + n * bytes + l] = ((q * 3 >> 8) - 1) * d;
            }
            power *= 3;
        }
    }

    @Override
    void quantizeBlocks(float[] in, int inOffset, int blocks, MemorySegment out, long offset) {

        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BLOCK_BYTES;
            int i = inOffset + b * BLOCK_SIZE;
            float d = Rounding.storedHalf(Rounding.maxAbs(in, i, BLOCK_SIZE), out, block + D);
            pack(in, i, d, 5, out, block + QS, 32);
            pack(in, i + 160, d, 5, out, block + QS + 32, 16);
            pack(in, i + 240, d, 4, out, block + QH, 4);
        }
    }

    private static void pack(float[] in, int i, float d, int trits, MemorySegment out, long offset, int bytes) {
        for (int l = 0; l < bytes; l++) {
            int q = 0;
            for (int n = 0; n < 5; n++) {
                q = q * 3 + (n < trits ? Rounding.level(in[i + n * bytes + l], d, -1, 1) + 1 : 0);
            }
            putByte(out, offset + l, (q * 256 + 242) / 243);
        }
    }
}
