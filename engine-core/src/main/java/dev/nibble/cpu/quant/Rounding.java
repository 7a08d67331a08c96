package dev.nibble.cpu.quant;

/** Conversions the quantizers share. Whatever cannot be stored is refused: no weight turns into an infinity silently. */
final class Rounding {
    private Rounding() {}

    /**
     * {@code value} itself.
     *
     * @throws IllegalArgumentException if it is NaN or infinite
     */
    static float finite(float value) {
        if (!Float.isFinite(value)) {
            throw new IllegalArgumentException("a weight is " + value + ", which cannot be quantized");
        }
        return value;
    }

    /**
     * The bits of the nearest half.
     *
     * @throws IllegalArgumentException if that is NaN or infinite
     */
    static short toHalf(float value) {
        short half = Float.floatToFloat16(finite(value));
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

    /** The largest magnitude of {@code count} values, all of which must be finite. */
    static float maxAbs(float[] in, int offset, int count) {
        float max = 0;
        for (int i = 0; i < count; i++) {
            max = Math.max(max, Math.abs(finite(in[offset + i])));
        }
        return max;
    }

    /** The value of largest magnitude, sign included; the first of equals. All values must be finite. */
    static float extreme(float[] in, int offset, int count) {
        float extreme = 0;
        for (int i = 0; i < count; i++) {
            if (Math.abs(finite(in[offset + i])) > Math.abs(extreme)) {
                extreme = in[offset + i];
            }
        }
        return extreme;
    }

    /** The smallest of {@code count} values, all of which must be finite. */
    static float min(float[] in, int offset, int count) {
        float min = finite(in[offset]);
        for (int i = 1; i < count; i++) {
            min = Math.min(min, finite(in[offset + i]));
        }
        return min;
    }

    /** The largest of {@code count} values, all of which must be finite. */
    static float max(float[] in, int offset, int count) {
        float max = finite(in[offset]);
        for (int i = 1; i < count; i++) {
            max = Math.max(max, finite(in[offset + i]));
        }
        return max;
    }

    /** {@code value} rounded half away from zero, as C's {@code roundf}. */
    static int round(float value) {
        int magnitude = (int) (Math.abs(value) + 0.5f);
        return value < 0 ? -magnitude : magnitude;
    }
}
