package dev.nibble.cpu.quant;

/**
 * 4-bit floats with a sign, two bits of exponent and one of mantissa (E2M1): 0, 0.5, 1, 1.5, 2, 3, 4, 6 and their
 * negatives. The table holds them doubled, as integers; its negative zero is a zero, as in ggml.
 *
 * <p>Source: OCP Microscaling Formats (MX) Specification 1.0, section 5.3.3.
 */
public final class Fp4 {
    private static final byte[] DOUBLED = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

    private Fp4() {}

    /** Twice the value of {@code bits}, which are 0 to 15. */
    public static int doubled(int bits) {
        return DOUBLED[bits];
    }

    /** The bits whose doubled value is nearest to {@code value}. */
    static int nearest(float value) {
        float magnitude = Math.abs(value);
        int bits = 0;
        while (bits < 7 && 2 * magnitude > DOUBLED[bits] + DOUBLED[bits + 1]) {
            bits++;
        }
        return value < 0 && bits > 0 ? bits + 8 : bits;
    }
}
