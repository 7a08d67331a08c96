package dev.nibble.model;

import org.jspecify.annotations.Nullable;

/**
 * A normalization of rows with learned weights.
 *
 * @param weight [width], multiplied element by element after the normalization
 * @param bias [width], added last, or null
 * @param epsilon added to the mean square or the variance
 * @param kind which mean is taken
 */
public record Norm(float[] weight, float @Nullable [] bias, float epsilon, Kind kind) {

    /** How rows are normalized. */
    public enum Kind {
        /** x / sqrt(mean(x²) + epsilon). */
        RMS,
        /** (x - mean(x)) / sqrt(var(x) + epsilon). */
        LAYER
    }

    /** An RMS norm without bias. */
    public static Norm rms(float[] weight, float epsilon) {
        return new Norm(weight, null, epsilon, Kind.RMS);
    }

    /** Width of the rows it normalizes. */
    public int width() {
        return weight.length;
    }
}
