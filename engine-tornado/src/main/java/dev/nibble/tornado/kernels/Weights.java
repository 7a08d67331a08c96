package dev.nibble.tornado.kernels;

import dev.nibble.tensor.DType;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/**
 * Reads weights where they lie, in the layout of the file, whatever their type. The type is an argument that TornadoVM
 * sees as a constant, so that of all branches one is left in a compiled kernel.
 *
 * <p>A row is read in units of {@link #UNIT} weights. Bytes are signed here: codes are masked after the shift and never
 * widened with {@code & 0xff}, which TornadoVM's compilers turn into an unsigned value that later arithmetic gets wrong.
 */
public final class Weights {
    public static final int F32 = 0;
    public static final int F16 = 1;
    public static final int Q4_0 = 2;
    public static final int Q4_1 = 3;
    public static final int Q8_0 = 4;
    public static final int Q4_K = 5;
    public static final int Q6_K = 6;

    /** Weights that one work-item multiplies at a time; rows are multiples of it. */
    public static final int UNIT = 32;

    private Weights() {}

    /** The number of a type for the kernels, or -1 for a type they do not read. */
    public static int code(DType type) {
        return switch (type) {
            case F32 -> F32;
            case F16 -> F16;
            case Q4_0 -> Q4_0;
            case Q4_1 -> Q4_1;
            case Q8_0 -> Q8_0;
            case Q4_K -> Q4_K;
            case Q6_K -> Q6_K;
            default -> -1;
        };
    }

    /** Bytes of a row of {@code columns} weights. */
    static int rowBytes(int type, int columns) {
        if (type == F32) {
            return columns * 4;
        }
        if (type == F16) {
            return columns * 2;
        }
        if (type == Q4_0) {
            return columns / 32 * 18;
        }
        if (type == Q4_1) {
            return columns / 32 * 20;
        }
        if (type == Q8_0) {
            return columns / 32 * 34;
        }
        if (type == Q4_K) {
            return columns / 256 * 144;
        }
        return columns / 256 * 210;
    }

    /**
     * The product of unit {@code unit} of the row at byte {@code row} with the inputs from {@code x[at]} on, each times
     * {@code gains[gainAt + k]} if {@code gained} is 1. For F32 and F16: TornadoVM inlines only methods of some size,
     * so that not all types can stand in one.
     */
    static float dotFloat(
            int type,
            ByteArray weights,
            int row,
            int unit,
            FloatArray x,
            int at,
            FloatArray gains,
            int gainAt,
            int gained) {
        int k = at + unit * UNIT;
        int g = gainAt + unit * UNIT;
        if (type == F32) {
            return dotF32(weights, row + unit * 128, x, k, gains, g, gained);
        }
        return dotF16(weights, row + unit * 64, x, k, gains, g, gained);
    }

    /** The same for {@link #Q4_0}, {@link #Q4_1} and {@link #Q8_0}. */
    static float dotBlock(
            int type,
            ByteArray weights,
            int row,
            int unit,
            FloatArray x,
            int at,
            FloatArray gains,
            int gainAt,
            int gained) {
        int k = at + unit * UNIT;
        int g = gainAt + unit * UNIT;
        if (type == Q4_0) {
            return dotQ4(weights, row + unit * 18, row + unit * 18 + 2, 8, x, k, gains, g, gained);
        }
        if (type == Q4_1) {
            return dotQ4(weights, row + unit * 20, row + unit * 20 + 4, 0, x, k, gains, g, gained);
        }
        return dotQ8_0(weights, row + unit * 34, x, k, gains, g, gained);
    }

    /** The same for {@link #Q4_K} and {@link #Q6_K}. */
    static float dotK(
            int type,
            ByteArray weights,
            int row,
            int unit,
            FloatArray x,
            int at,
            FloatArray gains,
            int gainAt,
            int gained) {
        int k = at + unit * UNIT;
        int g = gainAt + unit * UNIT;
        if (type == Q4_K) {
            return dotQ4_K(weights, row + (unit >> 3) * 144, unit & 7, x, k, gains, g, gained);
        }
        return dotQ6_K(weights, row + (unit >> 3) * 210, unit & 7, x, k, gains, g, gained);
    }

    /** Weight {@code k} of the row at byte {@code row}, for F32 and F16. */
    static float valueFloat(int type, ByteArray weights, int row, int k) {
        if (type == F32) {
            return single(weights, row + k * 4);
        }
        return half(weights, row + k * 2);
    }

    /** The same for {@link #Q4_0}, {@link #Q4_1} and {@link #Q8_0}. */
    static float valueBlock(int type, ByteArray weights, int row, int k) {
        if (type == Q4_0) {
            int block = row + (k >> 5) * 18;
            return (nibble(weights, block + 2, k & 31) - 8) * half(weights, block);
        }
        if (type == Q4_1) {
            int block = row + (k >> 5) * 20;
            return nibble(weights, block + 4, k & 31) * half(weights, block) + half(weights, block + 2);
        }
        int block = row + (k >> 5) * 34;
        int q = weights.get(block + 2 + (k & 31));
        return q * half(weights, block);
    }

    /** The same for {@link #Q4_K} and {@link #Q6_K}. */
    static float valueK(int type, ByteArray weights, int row, int k) {
        if (type == Q4_K) {
            int block = row + (k >> 8) * 144;
            int s = (k >> 5) & 7;
            int q = weights.get(block + 16 + (s >> 1) * 32 + (k & 31));
            int code = (q >> ((s & 1) * 4)) & 15;
            return half(weights, block) * scaleK(weights, block + 4, s) * code
                    - half(weights, block + 2) * minimumK(weights, block + 4, s);
        }
        int block = row + (k >> 8) * 210;
        int s = (k >> 4) & 15;
        int scale = weights.get(block + 192 + s);
        return half(weights, block + 208) * scale * (codeQ6_K(weights, block, s, k & 15) - 32);
    }

    private static float input(FloatArray x, int at, FloatArray gains, int gainAt, int gained) {
        float value = x.get(at);
        if (gained == 1) {
            value = value * gains.get(gainAt);
        }
        return value;
    }

    private static float dotF32(ByteArray weights, int at, FloatArray x, int k, FloatArray gains, int g, int gained) {
        float sum = 0;
        for (int j = 0; j < UNIT; j++) {
            sum += single(weights, at + j * 4) * input(x, k + j, gains, g + j, gained);
        }
        return sum;
    }

    private static float dotF16(ByteArray weights, int at, FloatArray x, int k, FloatArray gains, int g, int gained) {
        float sum = 0;
        for (int j = 0; j < UNIT; j++) {
            sum += half(weights, at + j * 2) * input(x, k + j, gains, g + j, gained);
        }
        return sum;
    }

    /** Four-bit codes less {@code zero}, half of them in low nibbles; their scale and minimum are halves before them. */
    private static float dotQ4(
            ByteArray weights,
            int block,
            int codes,
            int zero,
            FloatArray x,
            int k,
            FloatArray gains,
            int g,
            int gained) {
        float sum = 0;
        float inputs = 0;
        for (int j = 0; j < UNIT; j++) {
            float value = input(x, k + j, gains, g + j, gained);
            sum += (nibble(weights, codes, j) - zero) * value;
            inputs += value;
        }
        float result = half(weights, block) * sum;
        if (zero == 0) {
            result += half(weights, block + 2) * inputs;
        }
        return result;
    }

    private static float dotQ8_0(
            ByteArray weights, int block, FloatArray x, int k, FloatArray gains, int g, int gained) {
        float sum = 0;
        for (int j = 0; j < UNIT; j++) {
            int q = weights.get(block + 2 + j);
            sum += q * input(x, k + j, gains, g + j, gained);
        }
        return half(weights, block) * sum;
    }

    private static float dotQ4_K(
            ByteArray weights, int block, int s, FloatArray x, int k, FloatArray gains, int g, int gained) {
        int codes = block + 16 + (s >> 1) * 32;
        int shift = (s & 1) * 4;
        float sum = 0;
        float inputs = 0;
        for (int j = 0; j < UNIT; j++) {
            int q = weights.get(codes + j);
            float value = input(x, k + j, gains, g + j, gained);
            sum += ((q >> shift) & 15) * value;
            inputs += value;
        }
        return half(weights, block) * scaleK(weights, block + 4, s) * sum
                - half(weights, block + 2) * minimumK(weights, block + 4, s) * inputs;
    }

    private static float dotQ6_K(
            ByteArray weights, int block, int unit, FloatArray x, int k, FloatArray gains, int g, int gained) {
        float sum = 0;
        for (int half = 0; half < 2; half++) {
            int s = unit * 2 + half;
            float part = 0;
            for (int j = 0; j < 16; j++) {
                int at = half * 16 + j;
                part += (codeQ6_K(weights, block, s, j) - 32) * input(x, k + at, gains, g + at, gained);
            }
            int scale = weights.get(block + 192 + s);
            sum += scale * part;
        }
        return half(weights, block + 208) * sum;
    }

    /** Code {@code j} of sub-block {@code s} of Q6_K, 0 to 63. */
    private static int codeQ6_K(ByteArray weights, int block, int s, int j) {
        int low = weights.get(block + (s >> 3) * 64 + (s & 3) * 16 + j);
        int high = weights.get(block + 128 + (s >> 3) * 32 + (s & 1) * 16 + j);
        int lowShift = ((s >> 2) & 1) * 4;
        int highShift = ((s >> 1) & 3) * 2;
        return ((low >> lowShift) & 15) + ((high >> highShift) & 3) * 16;
    }

    /** Code {@code k}, 0 to 31, of 16 bytes that hold the first half in their low nibbles. */
    private static int nibble(ByteArray weights, int at, int k) {
        int q = weights.get(at + (k & 15));
        return (q >> ((k >> 4) * 4)) & 15;
    }

    /** Scale {@code s} of the twelve bytes that Q4_K packs scales and minimums into. */
    private static int scaleK(ByteArray weights, int at, int s) {
        if (s < 4) {
            int low = weights.get(at + s);
            return low & 63;
        }
        int low = weights.get(at + s + 4);
        int high = weights.get(at + s - 4);
        return (low & 15) + ((high >> 6) & 3) * 16;
    }

    /** Minimum {@code s}, likewise. */
    private static int minimumK(ByteArray weights, int at, int s) {
        int low = weights.get(at + s + 4);
        if (s < 4) {
            return low & 63;
        }
        int high = weights.get(at + s);
        return ((low >> 4) & 15) + ((high >> 6) & 3) * 16;
    }

    /** The byte as 0 to 255. */
    private static int unsigned(ByteArray weights, int at) {
        int b = weights.get(at);
        return (b & 127) + ((b >> 7) & 1) * 128;
    }

    /** The half at byte {@code at}. */
    private static float half(ByteArray weights, int at) {
        int high = weights.get(at + 1);
        return Halves.decode((high & 127) * 256 + unsigned(weights, at), high < 0 ? 1 : 0);
    }

    /** The float at byte {@code at}, by arithmetic; below the normal range it is 0. */
    private static float single(ByteArray weights, int at) {
        int third = weights.get(at + 2);
        int high = weights.get(at + 3);
        int exponent = (high & 127) * 2 + ((third >> 7) & 1);
        int mantissa = unsigned(weights, at) + unsigned(weights, at + 1) * 256 + (third & 127) * 65536 + 8388608;
        float magnitude = 0;
        if (exponent > 0) {
            // mantissa · 2^(exponent - 150) in two steps, each within the range of a float
            int first = exponent >> 1;
            magnitude = mantissa * power(first) * power(exponent - first);
        }
        return high < 0 ? -magnitude : magnitude;
    }

    /** 2^(n - 75) for n from 0 to 127. */
    private static float power(int n) {
        float power = (float) (1 << (n & 15)) * 0x1p-75f;
        if ((n & 16) != 0) {
            power = power * 65536f;
        }
        if ((n & 32) != 0) {
            power = power * 0x1p32f;
        }
        if ((n & 64) != 0) {
            power = power * 0x1p64f;
        }
        return power;
    }
}
