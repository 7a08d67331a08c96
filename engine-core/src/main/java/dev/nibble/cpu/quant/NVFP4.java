package dev.nibble.cpu.quant;

import static dev.nibble.cpu.quant.LittleEndian.putByte;
import static dev.nibble.cpu.quant.LittleEndian.u8;

import dev.nibble.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * 64 weights in 36 bytes, 4.5 bits per weight: 4 sub-blocks of 16 weights, 4-bit floats (E2M1) with an 8-bit float
 * without sign (UE4M3) as their scale. A file often has a float beside the tensor that scales all of it.
 *
 * <pre>
 * byte 0           4              36
 *      | d[4]      | qs[32]       |
 *       UE4M3 each   4 bits each
 * </pre>
 *
 * <p>Byte {@code 8s + l} of qs holds the weights {@code 16s + l} (low nibble) and {@code 16s + 8 + l} (high nibble).
 *
 * <p>{@code w[j] = d[j / 16] * e2m1[q[j]]}, see {@link Fp4}
 */
public final class NVFP4 extends PackedFormat {
    static final NVFP4 INSTANCE = new NVFP4();

    static final int BLOCK_SIZE = 64;
    static final int BLOCK_BYTES = 36;
    static final int D = 0;
    static final int QS = 4;
    static final int SUB_BLOCKS = 4;
    static final int SUB_BLOCK = 16;

    private static final int LARGEST_SCALE = 0x7E;
    private static final float[] HALF_SCALES = halfScales();

    private NVFP4() {
        super(DType.NVFP4);
    }

    @Override
    void dequantizeBlock(MemorySegment data, long block, float[] out, int o) {
        for (int s = 0; s < SUB_BLOCKS; s++) {
            float d = HALF_SCALES[u8(data, block + D + s)];
            long qs = block + QS + s * SUB_BLOCK / 2;
            int at = o + s * SUB_BLOCK;
            for (int l = 0; l < SUB_BLOCK / 2; l++) {
                int q = u8(data, qs + l);
                out[at + l] = Fp4.doubled(q & 0xF) * d;
                out[at + l + SUB_BLOCK / 2] = Fp4.doubled(q >> 4) * d;
            }
        }
    }

    /** Half of the scale with these bits. */
    public static float halfScale(byte bits) {
        return HALF_SCALES[bits & 0xff];
    }

    /** Half of every scale, because the values of the table are doubled. The top bit has no meaning, 0x7F is NaN. */
    private static float[] halfScales() {
        float[] scales = new float[256];
        for (int i = 0; i < scales.length; i++) {
            int exponent = i >> 3 & 0xF;
            int mantissa = i & 7;
            scales[i] = 0.5f * (exponent == 0 ? mantissa * 0x1p-9f : (8 + mantissa) * Math.scalb(1f, exponent - 10));
        }
        scales[0x7F] = 0;
        return scales;
    }

    @Override
    void quantizeBlocks(float[] in, int inOffset, int blocks, MemorySegment out, long offset) {

        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BLOCK_BYTES;
            for (int s = 0; s < SUB_BLOCKS; s++) {
                int i = inOffset + b * BLOCK_SIZE + s * SUB_BLOCK;
                float max = Rounding.maxAbs(in, i, SUB_BLOCK);
                int scale = nearestScale(max / 12);
                if (max > 13 * HALF_SCALES[LARGEST_SCALE]) {
                    throw Rounding.tooLarge(max);
                }
                putByte(out, block + D + s, scale);
                float inverse = Rounding.inverse(HALF_SCALES[scale]);
                for (int l = 0; l < SUB_BLOCK / 2; l++) {
                    int low = Fp4.nearest(in[i + l] * inverse);
                    int high = Fp4.nearest(in[i + l + SUB_BLOCK / 2] * inverse);
                    putByte(out, block + QS + s * SUB_BLOCK / 2 + l, low | high << 4);
                }
            }
        }
    }

    private static int nearestScale(float value) {
        int found = Arrays.binarySearch(HALF_SCALES, 0, LARGEST_SCALE + 1, value);
        if (found >= 0) {
            return found;
        }
        int above = Math.min(-found - 1, LARGEST_SCALE);
        return above > 0 && value - HALF_SCALES[above - 1] < HALF_SCALES[above] - value ? above - 1 : above;
    }
}
