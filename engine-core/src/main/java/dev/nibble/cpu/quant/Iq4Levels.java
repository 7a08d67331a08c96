package dev.nibble.cpu.quant;

/**
 * The sixteen levels of IQ4_NL and IQ4_XS, denser around zero, where most weights are.
 *
 * <p>Source of the numbers: {@code kvalues_iq4nl} in ggml-common.h (MIT license, see NOTICE).
 */
public final class Iq4Levels {
    private static final byte[] LEVELS = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
    private static final int REACH = 7;

    private Iq4Levels() {}

    /** The level of {@code index}, which is 0 to 15. */
    public static int level(int index) {
        return LEVELS[index];
    }

    /** The index of the level nearest to {@code value}. */
    static int nearest(float value) {
        int low = 0;
        int high = LEVELS.length - 1;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (2 * value > LEVELS[middle] + LEVELS[middle + 1]) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /**
     * The scale for {@code count} values at {@code offset}, 0 if all are 0. The value of largest magnitude is put near
     * either end of the levels; among some scales around those the one with the least squared error wins, large values
     * weighing more.
     */
    static float fit(float[] x, int offset, int count) {
        float extreme = Rounding.extreme(x, offset, count);
        if (extreme == 0) {
            return 0;
        }
        double best = -1;
        double scale = 0;
        for (int c = -REACH; c <= REACH; c++) {
            for (int end = 0; end < LEVELS.length; end += LEVELS.length - 1) {
                float inverse = (LEVELS[end] + c) / extreme;
                double sumQx = 0;
                double sumQq = 0;
                for (int i = 0; i < count; i++) {
                    double value = x[offset + i];
                    int q = LEVELS[nearest(x[offset + i] * inverse)];
                    double weighted = value * value * q;
                    sumQx += weighted * value;
                    sumQq += weighted * q;
                }
                if (sumQq > 0 && sumQx * sumQx > best * sumQq) {
                    scale = sumQx / sumQq;
                    best = scale * sumQx;
                }
            }
        }
        return (float) scale;
    }
}
