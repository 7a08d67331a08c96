package dev.nibble.tornado.kernels;

/**
 * IEEE half precision by arithmetic: not every device has the type, TornadoVM's own conversions go wrong on those that
 * have not, and its compilers cannot take the bits of a float.
 */
final class Halves {
    private static final int INFINITY = 0x7C00;
    private static final int LARGEST_EXPONENT = 31;

    private Halves() {}

    /** The value of the lower 15 bits of a half, negated if {@code negative} is 1; NaN reads as infinity. */
    static float decode(int bits, int negative) {
        int exponent = bits >> 10;
        int mantissa = bits & 1023;
        float magnitude = mantissa * 0x1p-24f;
        if (exponent == LARGEST_EXPONENT) {
            magnitude = Float.POSITIVE_INFINITY;
        } else if (exponent > 0) {
            magnitude = (1024 + mantissa) * (float) (1 << exponent) * 0x1p-25f;
        }
        return negative == 1 ? -magnitude : magnitude;
    }

    /** The value of a half. */
    static float decode(short half) {
        int bits = half;
        return decode(bits & 0x7FFF, bits < 0 ? 1 : 0);
    }

    /** The nearest half, ties to even; too large a value and NaN become infinity. */
    static short encode(float value) {
        float rest = (value < 0 ? -value : value) * 0x1p24f; // in units of the smallest subnormal half
        int exponent = 0;
        // powers of two until 1024 <= rest < 2048; what is smaller is subnormal and stays
        if (rest >= 1024f * 65536) {
            rest = rest * 0x1p-16f;
            exponent += 16;
        }
        if (rest >= 1024f * 256) {
            rest = rest * 0x1p-8f;
            exponent += 8;
        }
        if (rest >= 1024f * 16) {
            rest = rest * 0x1p-4f;
            exponent += 4;
        }
        if (rest >= 1024f * 4) {
            rest = rest * 0x1p-2f;
            exponent += 2;
        }
        if (rest >= 1024f * 2) {
            rest = rest * 0.5f;
            exponent += 1;
        }
        int half = INFINITY;
        if (rest < 2048) {
            int whole = (int) rest;
            float fraction = rest - whole;
            if (fraction > 0.5f || fraction == 0.5f && (whole & 1) == 1) {
                whole = whole + 1;
            }
            // the leading bit of a normal half, and what rounding carries, count up the exponent
            half = exponent * 1024 + whole;
            if (half > INFINITY) {
                half = INFINITY;
            }
        }
        if (value < 0) {
            half = half - 32768;
        }
        return (short) half;
    }
}
