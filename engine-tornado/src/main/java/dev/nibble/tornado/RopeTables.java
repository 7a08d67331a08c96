package dev.nibble.tornado;

import dev.nibble.tornado.kernels.Layout;

/**
 * Cosines and sines for a rotation at every position, in little room: the angle of position p is that of the multiple of
 * 128 below it plus that of the rest, and each has a table.
 */
final class RopeTables {
    private RopeTables() {}

    /**
     * The tables.
     *
     * @param frequencies the angle of each pair for one position step
     * @param magnitude factor of cosine and sine
     * @param positions how many positions there are
     * @return [128 + positions / 128, pairs, 2]: cosine, sine
     */
    static float[] make(double[] frequencies, float magnitude, int positions) {
        int coarse = Math.ceilDiv(positions, Layout.ROPE_FINE);
        int pairs = frequencies.length;
        float[] table = new float[length(pairs, positions)];
        for (int i = 0; i < Layout.ROPE_FINE; i++) {
            fill(table, i * pairs * 2, frequencies, i, magnitude);
        }
        for (int i = 0; i < coarse; i++) {
            fill(table, (Layout.ROPE_FINE + i) * pairs * 2, frequencies, (double) i * Layout.ROPE_FINE, 1);
        }
        return table;
    }

    /** Length of the result of {@link #make}. */
    static int length(int pairs, int positions) {
        return (Layout.ROPE_FINE + Math.ceilDiv(positions, Layout.ROPE_FINE)) * pairs * 2;
    }

    private static void fill(float[] table, int at, double[] frequencies, double position, float magnitude) {
        for (int i = 0; i < frequencies.length; i++) {
            double angle = position * frequencies[i];
            table[at + 2 * i] = (float) (Math.cos(angle) * magnitude);
            table[at + 2 * i + 1] = (float) (Math.sin(angle) * magnitude);
        }
    }
}
