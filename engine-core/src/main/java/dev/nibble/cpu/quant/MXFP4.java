package dev.nibble.cpu.quant;

import static dev.nibble.cpu.quant.LittleEndian.putByte;
import static dev.nibble.cpu.quant.LittleEndian.u8;

import dev.nibble.tensor.DType;
import java.lang.foreign.MemorySegment;

/**
 * 32 weights in 17 bytes, 4.25 bits per weight: the OCP microscaling format, 4-bit floats (E2M1) with a power of two as
 * their scale (E8M0).
 *
 * <pre>
 * byte 0     1                              17
 *      | e   | q16:q0 q17:q1 ... q31:q15    |     high nibble : low nibble
 *       scale  4 bits each
 * </pre>
 *
 * <p>{@code w[j] = 2^(e - 127) * e2m1[q[j]]}, see {@link Fp4}
 */
final class MXFP4 extends PackedFormat {
    static final MXFP4 INSTANCE = new MXFP4();

    static final int BLOCK_SIZE = 32;
    static final int BLOCK_BYTES = 17;
    static final int E = 0;
    static final int QS = 1;

    private MXFP4() {
        super(DType.MXFP4);
    }

    @Override
    void dequantizeBlock(MemorySegment data, long block, float[] out, int o) {
        float d = halfScale(u8(data, block + E));
        for (int j = 0; j < BLOCK_SIZE / 2; j++) {
            int q = u8(data, block + QS + j);
            out[o + j] = Fp4.doubled(q & 0xF) * d;
            out[o + j + BLOCK_SIZE / 2] = Fp4.doubled(q >> 4) * d;
        }
    }

    /** {@code 2^(e - 128)}: half the scale, because the values of the table are doubled. */
    private static float halfScale(int e) {
        return Float.intBitsToFloat(e < 2 ? 0x00200000 << e : e - 1 << 23);
    }

    @Override
    void quantizeBlocks(float[] in, int inOffset, int blocks, MemorySegment out, long offset) {

        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BLOCK_BYTES;
            int i = inOffset + b * BLOCK_SIZE;
            float max = Rounding.maxAbs(in, i, BLOCK_SIZE);
            // The largest 4-bit value is 6 = 1.5 * 2^2. A maximum between 1.5 and 2 times a power of two is cut off by
            // the
            // lower of two scales and leaves the other values coarser with the higher one; the smaller error decides.
            int e = max == 0 ? 0 : Math.clamp(Math.getExponent(max) - 2 + 127, 0, 253);
            if (error(in, i, halfScale(e + 1)) < error(in, i, halfScale(e))) {
                e++;
            }
            float inverse = 1 / halfScale(e);
            putByte(out, block + E, e);
            for (int j = 0; j < BLOCK_SIZE / 2; j++) {
                int low = Fp4.nearest(in[i + j] * inverse);
                int high = Fp4.nearest(in[i + j + BLOCK_SIZE / 2] * inverse);
                putByte(out, block + QS + j, low | high << 4);
            }
        }
    }

    private static double error(float[] in, int offset, float halfScale) {
        double error = 0;
        for (int j = 0; j < BLOCK_SIZE; j++) {
            float value = in[offset + j];
            double difference = value - Fp4.doubled(Fp4.nearest(value / halfScale)) * halfScale;
            error += difference * difference;
        }
        return error;
    }
}
