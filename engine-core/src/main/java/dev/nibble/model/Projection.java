package dev.nibble.model;

import dev.nibble.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A linear map {@code y[n] = scale · (W[n,k] · x[k]) + bias[n]}.
 *
 * @param weight a matrix of shape [k, n]: n rows of k elements
 * @param bias [n], or null
 * @param scale factor of the product, 1 for most weights
 */
public record Projection(Tensor weight, float @Nullable [] bias, float scale) {

    /** A projection without bias. */
    public static Projection of(Tensor weight) {
        return new Projection(weight, null, 1);
    }

    /** k. */
    public int inputSize() {
        return Math.toIntExact(weight.columns());
    }

    /** n. */
    public int outputSize() {
        return Math.toIntExact(weight.rows());
    }

    /** The map whose results are so many times as large. */
    public Projection times(float factor) {
        float[] scaled = bias == null ? null : bias.clone();
        for (int i = 0; scaled != null && i < scaled.length; i++) {
            scaled[i] *= factor;
        }
        return new Projection(weight, scaled, scale * factor);
    }

    /** The part that computes outputs {@code first} to {@code first + count}: how fused weights are taken apart. */
    public Projection rowRange(int first, int count) {
        return new Projection(
                weight.rowRange(first, count),
                bias == null ? null : java.util.Arrays.copyOfRange(bias, first, first + count),
                scale);
    }
}
