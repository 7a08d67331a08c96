package dev.nibble.sampling;

/**
 * Exponentials of a whole vocabulary, once a token: {@link Math#exp} would be felt with 150,000 tokens. There is nothing
 * here but arithmetic on doubles, which the compiler turns into vector instructions by itself and which gives the same
 * bits with and without them.
 */
final class Exp {
    /** Logits whose exponentials are computed at once: few enough to stay in the L1 cache. */
    static final int BLOCK = 512;

    /** What is smaller counts as this: e^-100 is 4e-44. */
    private static final float LOWEST = -100;

    private final double[] block = new double[BLOCK];

    /**
     * e^x for x up to 0: within 3e-9 of it relatively down to -40, 2e-6 down to -87, and positive but negligible below.
     * NaN for NaN.
     */
    static double exp(float x) {
        // e^(x/256) is within the reach of a short series; squaring it eight times gives its 256th power.
        double r = Math.max(x, LOWEST) * (1 / 256.0);
        double p = 1 / 5040.0;
        p = p * r + 1 / 720.0;
        p = p * r + 1 / 120.0;
        p = p * r + 1 / 24.0;
        p = p * r + 1 / 6.0;
        p = p * r + 0.5;
        p = p * r + 1;
        p = p * r + 1;
        p *= p;
        p *= p;
        p *= p;
        p *= p;
        p *= p;
        p *= p;
        p *= p;
        return p * p;
    }

    /** e^(logit - max) of up to {@link #BLOCK} logits; overwritten by the next call. */
    double[] block(float[] logits, int from, int count, float max) {
        for (int i = 0; i < count; i++) {
            block[i] = exp(logits[from + i] - max);
        }
        return block;
    }

    /** Σ e^(logit - max) of the first {@code count} logits. */
    double sum(float[] logits, int count, float max) {
        // Four sums: additions to one would wait for each other.
        double sum0 = 0;
        double sum1 = 0;
        double sum2 = 0;
        double sum3 = 0;
        for (int from = 0; from < count; from += BLOCK) {
            int size = Math.min(BLOCK, count - from);
            double[] weights = block(logits, from, size, max);
            int i = 0;
            for (; i < size - 3; i += 4) {
                sum0 += weights[i];
                sum1 += weights[i + 1];
                sum2 += weights[i + 2];
                sum3 += weights[i + 3];
            }
            for (; i < size; i++) {
                sum0 += weights[i];
            }
        }
        return (sum0 + sum1) + (sum2 + sum3);
    }

    /** log Σ e^logit; NaN if a logit is NaN or positive infinity, or none is above negative infinity. */
    double logSumExp(float[] logits) {
        float max = max(logits, logits.length);
        return Float.isFinite(max) ? max + Math.log(sum(logits, logits.length, max)) : Double.NaN;
    }

    /** The greatest of the first {@code count} values: NaN if one is, negative infinity if there is none. */
    static float max(float[] values, int count) {
        float max = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < count; i++) {
            max = Math.max(max, values[i]);
        }
        return max;
    }

    /** The least of the first {@code count} values, likewise. */
    static float min(float[] values, int count) {
        float min = Float.POSITIVE_INFINITY;
        for (int i = 0; i < count; i++) {
            min = Math.min(min, values[i]);
        }
        return min;
    }
}
