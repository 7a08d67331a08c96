package dev.nibble.cpu.quant;

import java.lang.foreign.MemorySegment;

/** Conversions the quantizers share. Whatever cannot be stored is refused: no weight turns into an infinity silently. */
final class Rounding {
    private Rounding() {}

    /**
     * The bits of the nearest half.
     *
     * @throws IllegalArgumentException if that is NaN or infinite
     */
    static short toHalf(float value) {
        short half = Float.floatToFloat16(value);
        if ((half & 0x7C00) == 0x7C00) {
            throw tooLarge(value);
        }
        return half;
    }

    static IllegalArgumentException tooLarge(float value) {
        return new IllegalArgumentException("the weight or scale " + value + " is too large for the type");
    }

    /**
     * 1 / {@code scale}, or 0 for a zero scale, so that a block of zeros quantizes to zeros. The scale must be one that
     * a half can hold: values are divided by what will be stored, not by what was wanted, which matters for
     * subnormals.
     */
    static float inverse(float scale) {
        return scale == 0 ? 0 : 1 / scale;
    }

    /** The largest magnitude of {@code count} values. */
    static float maxAbs(float[] in, int offset, int count) {
        float max = 0;
        for (int i = 0; i < count; i++) {
            max = Math.max(max, Math.abs(in[offset + i]));
        }
        return max;
    }

    /** The value of largest magnitude, sign included; the first of equals. */
    static float extreme(float[] in, int offset, int count) {
        float extreme = 0;
        for (int i = 0; i < count; i++) {
            if (Math.abs(in[offset + i]) > Math.abs(extreme)) {
                extreme = in[offset + i];
            }
        }
        return extreme;
    }

    /** The smallest of {@code count} values. */
    static float min(float[] in, int offset, int count) {
        float min = in[offset];
        for (int i = 1; i < count; i++) {
            min = Math.min(min, in[offset + i]);
        }
        return min;
    }

    /** The largest of {@code count} values. */
    static float max(float[] in, int offset, int count) {
        float max = in[offset];
        for (int i = 1; i < count; i++) {
            max = Math.max(max, in[offset + i]);
        }
        return max;
    }

    /** {@code value} rounded half away from zero, as C's {@code roundf}. */
    static int round(float value) {
        int magnitude = (int) (Math.abs(value) + 0.5f);
        return value < 0 ? -magnitude : magnitude;
    }

    /** The level nearest to {@code value / step}, cut off at {@code min} and {@code max}; the one of 0 for a zero step. */
    static int level(float value, float step, int min, int max) {
        return Math.clamp(round(value * inverse(step)), min, max);
    }

    /** Stores {@code value} as a half at {@code offset} and returns what was stored. */
    static float storedHalf(float value, MemorySegment out, long offset) {
        short half = toHalf(value);
        LittleEndian.putShort(out, offset, half);
        return Float.float16ToFloat(half);
    }
}
