package dev.nibble.cpu.vector;

import jdk.incubator.vector.ByteVector;

/** Tables that 4-bit codes select from. */
public final class Levels {
    /** IQ4_NL and IQ4_XS: kvalues_iq4nl in ggml-common.h. */
    public static final ByteVector IQ4 = of(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);

    /** MXFP4: twice the values of E2M1 (OCP Microscaling Formats 1.0). */
    public static final ByteVector E2M1_DOUBLED = of(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);

    private Levels() {}

    private static ByteVector of(int... levels) {
        byte[] bytes = new byte[levels.length];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) levels[i];
        }
        return ByteVector.fromArray(Lanes.B, bytes, 0);
    }
}
