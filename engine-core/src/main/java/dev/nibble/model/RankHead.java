package dev.nibble.model;

import dev.nibble.model.Model.Pooling;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What makes scores of a pooled state: {@code s = dense(x)}, an activation, a norm, {@code output(s)}, a softmax. Each
 * part but one of the two maps may be absent.
 *
 * @param pooling which state is rated
 * @param dense [hidden] to [m], or null; then there is no activation and no norm either
 * @param activation applied to what {@code dense} gives
 * @param norm over m, or null
 * @param output [m] to [outputs], or null
 * @param softmax whether the outputs are made probabilities
 * @param labels what the outputs stand for, one for each; none where the file does not say
 */
public record RankHead(
        Pooling pooling,
        @Nullable Projection dense,
        Activation activation,
        @Nullable Norm norm,
        @Nullable Projection output,
        boolean softmax,
        List<String> labels) {

    public RankHead {
        labels = List.copyOf(labels);
        if (dense == null && output == null) {
            throw new IllegalArgumentException("a head that rates has a map");
        }
    }

    /** What is applied to the first map's result. */
    public enum Activation {
        /** tanh(x). */
        TANH,
        /** GELU in its tanh form. */
        GELU
    }

    /** How many scores a text gets. */
    public int outputs() {
        Projection last = output == null ? dense : output;
        return last == null ? 0 : last.outputSize();
    }
}
