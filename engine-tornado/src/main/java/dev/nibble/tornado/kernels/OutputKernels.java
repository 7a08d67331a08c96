package dev.nibble.tornado.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/** What is done with logits on the device. */
public final class OutputKernels {
    /** Work-items of a group of {@link #best}. */
    public static final int LANES = 64;

    /** Groups of {@link #best}, whatever the number of logits. */
    public static final int GROUPS = 32;

    /** What a group of {@link #best} finds: a token, its logit, and the sum of e^(logit - this one) over its tokens. */
    public static final int TOKEN = 0;

    public static final int LOGIT = 1;
    public static final int SUM = 2;
    public static final int RESULT_SIZE = 3;

    /** Tokens are handed out as floats, which count so far. */
    public static final int MAX_TOKENS = 1 << 24;

    private static final float LEAST = -Float.MAX_VALUE;
    private static final float NEGLIGIBLE = -80;

    private OutputKernels() {}

    /**
     * The largest of {@code scale · logits}, the lowest token among equals, and what its probability takes. A group goes
     * through every {@link #GROUPS}-th stretch; one that finds no number above the least float says token -1, and NaN or
     * infinity makes its sum NaN.
     *
     * @param logits [count]
     * @param result [GROUPS, RESULT_SIZE]
     */
    public static void best(KernelContext context, FloatArray logits, FloatArray result, int count, float scale) {
        float[] partial = context.allocateFloatLocalArray(RESULT_SIZE * LANES);
        int group = context.groupIdx;
        int lane = context.localIdx;
        float token = -1;
        float most = LEAST;
        for (int i = group * LANES + lane; i < count; i += GROUPS * LANES) {
            float logit = logits.get(i) * scale;
            if (logit > most) {
                most = logit;
                token = i;
            }
        }
        float sum = 0;
        for (int i = group * LANES + lane; i < count; i += GROUPS * LANES) {
            sum += share(logits.get(i) * scale - most);
        }
        partial[lane] = token;
        partial[LANES + lane] = most;
        partial[2 * LANES + lane] = sum;
        context.localBarrier();
        if (lane == 0) {
            for (int i = 1; i < LANES; i++) {
                float otherToken = partial[i];
                float other = partial[LANES + i];
                if (other > most || other == most && otherToken < token) {
                    most = other;
                    token = otherToken;
                }
            }
            sum = 0;
            for (int i = 0; i < LANES; i++) {
                sum += partial[2 * LANES + i] * share(partial[LANES + i] - most);
            }
            result.set(group * RESULT_SIZE + TOKEN, token);
            result.set(group * RESULT_SIZE + LOGIT, most);
            result.set(group * RESULT_SIZE + SUM, sum);
        }
    }

    /** e^x for what is not above 0, NaN for NaN. */
    private static float share(float x) {
        return x < NEGLIGIBLE ? 0 : RowKernels.exp(x);
    }
}
