package dev.nibble.model;

import org.jspecify.annotations.Nullable;

/**
 * Rotary position embedding of the first {@code dims} elements of a head.
 *
 * <p>Pair i turns by {@code position · theta^(-2i/dims) / frequencyFactors[i]}. With linear scaling the angle is
 * divided by {@code factor}; with YaRN (Peng et al. 2023, arXiv 2309.00071) low frequencies are interpolated and high
 * ones are not.
 *
 * @param style which elements form a pair
 * @param dims rotated elements, even
 * @param theta base of the frequencies
 * @param frequencyFactors [dims/2] divisors of the frequencies, or null
 * @param factor context extension; 1 for none
 * @param yarn the YaRN parameters, or null for linear scaling
 * @param magnitude factor of cos and sin
 */
public record RopeConfig(
        Style style,
        int dims,
        float theta,
        float @Nullable [] frequencyFactors,
        float factor,
        @Nullable Yarn yarn,
        float magnitude) {

    /** Which elements form a pair. */
    public enum Style {
        /** Neighbours: (0,1), (2,3), … */
        ADJACENT,
        /** Halves: (0, dims/2), (1, dims/2+1), … */
        HALVES
    }

    /**
     * YaRN's interpolation ramp.
     *
     * @param originalContext context the model was trained with before the extension
     * @param betaFast rotations above which a pair is not interpolated
     * @param betaSlow rotations below which a pair is fully interpolated
     */
    public record Yarn(int originalContext, float betaFast, float betaSlow) {}

    /** The same rotation with these divisors of the frequencies, infinite for a pair that is not rotated. */
    public RopeConfig withFrequencyFactors(float @Nullable [] factors) {
        return new RopeConfig(style, dims, theta, factors, factor, yarn, magnitude);
    }

    /** The same rotation of other pairs. */
    public RopeConfig withStyle(Style other) {
        return new RopeConfig(other, dims, theta, frequencyFactors, factor, yarn, magnitude);
    }

    /** The same rotation with another factor of cos and sin. */
    public RopeConfig withMagnitude(float factorOfBoth) {
        return new RopeConfig(style, dims, theta, frequencyFactors, factor, yarn, factorOfBoth);
    }

    /** The angle of each pair for one position step, [dims/2], scaling included. */
    public double[] frequencies() {
        double[] frequencies = new double[dims / 2];
        for (int i = 0; i < frequencies.length; i++) {
            double extrapolated = Math.pow(theta, -2.0 * i / dims);
            if (frequencyFactors != null) {
                extrapolated /= frequencyFactors[i];
            }
            double interpolated = extrapolated / factor;
            double share = yarn == null ? 0 : extrapolatedShare(yarn, i);
            frequencies[i] = interpolated * (1 - share) + extrapolated * share;
        }
        return frequencies;
    }

    /** 1 for pairs that turn often within the original context, 0 for those that hardly turn, a ramp between. */
    private double extrapolatedShare(Yarn yarn, int pair) {
        double low = Math.max(0, Math.floor(correctionDim(yarn, yarn.betaFast())));
        double high = Math.min(dims - 1, Math.ceil(correctionDim(yarn, yarn.betaSlow())));
        double ramp = (pair - low) / Math.max(0.001, high - low);
        return 1 - Math.clamp(ramp, 0.0, 1.0);
    }

    /** The pair that makes {@code rotations} turns within the original context. */
    private double correctionDim(Yarn yarn, double rotations) {
        return dims * Math.log(yarn.originalContext() / (rotations * 2 * Math.PI)) / (2 * Math.log(theta));
    }
}
