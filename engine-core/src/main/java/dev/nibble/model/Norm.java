package dev.nibble.model;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A normalization of rows with learned weights.
 *
 * @param weight [width], multiplied element by element after the normalization
 * @param bias [width], added last, or null
 * @param epsilon added to the mean square or the variance
 * @param kind which mean is taken
 * @param groups parts of a row, of the same size, that are normalized each on its own; 1 for the row as a whole
 */
public record Norm(float[] weight, float @Nullable [] bias, float epsilon, Kind kind, int groups) {

    /** How rows are normalized. */
    public enum Kind {
        /** x / sqrt(mean(x²) + epsilon). */
        RMS,
        /** (x - mean(x)) / sqrt(var(x) + epsilon). */
        LAYER
    }

    public Norm {
        if (groups < 1 || weight.length % groups != 0) {
            throw new IllegalArgumentException(weight.length + " weights cannot form " + groups + " groups");
        }
    }

    /** A norm of whole rows. */
    public Norm(float[] weight, float @Nullable [] bias, float epsilon, Kind kind) {
        this(weight, bias, epsilon, kind, 1);
    }

    /** An RMS norm without bias. */
    public static Norm rms(float[] weight, float epsilon) {
        return new Norm(weight, null, epsilon, Kind.RMS);
    }

    /** A norm that has no weights of its own: all are 1. */
    public static Norm unweighted(int width, float epsilon, Kind kind) {
        float[] ones = new float[width];
        Arrays.fill(ones, 1);
        return new Norm(ones, null, epsilon, kind);
    }

    /** The same weights, but parts of a row are normalized each on its own. */
    public Norm withGroups(int count) {
        return new Norm(weight, bias, epsilon, kind, count);
    }

    /** Width of the rows it normalizes. */
    public int width() {
        return weight.length;
    }
}
