package dev.nibble.sampling;

/** Sums of exponentials over a whole vocabulary, once a token: {@link Math#exp} would be felt with 150,000 tokens. */
final class Exp {
    private static final float LOG2_E = 1.442695f;

    /** e^-25 is 1.4e-11: leaving smaller ones out changes the logarithm by 2e-6 at most with 150,000 of them. */
    private static final float NEGLIGIBLE = -25f;

    private Exp() {}

    /** e^x for x up to 0, within 3e-7 of it relatively; 0 below -87, NaN for NaN. */
    static float exp(float x) {
        if (x < -87f) {
            return 0;
        }
        float y = x * LOG2_E;
        int n = (int) (y - 0.5f);
        float f = y - n;
        // The series of 2^f, |f| <= 0.5: the coefficients are ln(2)^k / k!.
        float p = 0.0001540353f;
        p = p * f + 0.0013333558f;
        p = p * f + 0.009618129f;
        p = p * f + 0.05550411f;
        p = p * f + 0.2402265f;
        p = p * f + 0.6931472f;
        p = p * f + 1f;
        return p * Float.intBitsToFloat((n + 127) << 23);
    }

    /** log Σ e^logit; NaN if a logit is NaN or positive infinity, or none is above negative infinity. */
    static double logSumExp(float[] logits) {
        float max = Float.NEGATIVE_INFINITY;
        for (float logit : logits) {
            max = Math.max(max, logit); // carries NaN along
        }
        if (!Float.isFinite(max)) {
            return Double.NaN;
        }
        double sum = 0;
        for (float logit : logits) {
            if (logit - max > NEGLIGIBLE) {
                sum += exp(logit - max);
            }
        }
        return max + Math.log(sum);
    }
}
