package dev.nibble.embedding;

import dev.nibble.model.Norm;
import dev.nibble.model.Projection;
import dev.nibble.model.RankHead;
import java.util.List;
import java.util.function.BooleanSupplier;

/** Rates texts: pools the states of their tokens and applies the model's head. Thread-safe. */
public final class PairRater {
    private final TextEmbedder embedder;
    private final RankHead head;

    /**
     * @param embedder of a model with the pooling of the head; it neither maps nor normalizes
     */
    public PairRater(TextEmbedder embedder, RankHead head) {
        this.embedder = embedder;
        this.head = head;
    }

    /**
     * Rates texts, each with at least one token and not longer than the context.
     *
     * @return for each the outputs of the head
     * @throws dev.nibble.OutOfMemoryException if there is no memory for the longest of them
     * @throws dev.nibble.NibbleException if a state is no number
     * @throws java.util.concurrent.CancellationException when cancelled
     */
    public List<float[]> rate(List<int[]> texts, BooleanSupplier cancelled) {
        List<float[]> values = embedder.embed(texts, head.pooling(), cancelled);
        Projection dense = head.dense();
        if (dense != null) {
            values = DenseLayer.apply(dense, values);
            values.forEach(this::activate);
        }
        Projection output = head.output();
        if (output != null) {
            values = DenseLayer.apply(output, values);
        }
        if (head.softmax()) {
            values.forEach(PairRater::softmax);
        }
        return values;
    }

    private void activate(float[] values) {
        for (int i = 0; i < values.length; i++) {
            double x = values[i];
            values[i] = (float)
                    switch (head.activation()) {
                        case TANH -> Math.tanh(x);
                        case GELU -> 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * x * (1 + 0.044715 * x * x)));
                    };
        }
        Norm norm = head.norm();
        if (norm != null) {
            normalize(norm, values);
        }
    }

    private static void normalize(Norm norm, float[] values) {
        double sum = 0;
        double squares = 0;
        for (float value : values) {
            sum += value;
        }
        double mean = sum / values.length;
        for (float value : values) {
            squares += (value - mean) * (value - mean);
        }
        double factor = 1 / Math.sqrt(squares / values.length + norm.epsilon());
        float[] bias = norm.bias();
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) ((values[i] - mean) * factor * norm.weight()[i]) + (bias == null ? 0 : bias[i]);
        }
    }

    private static void softmax(float[] values) {
        double max = Double.NEGATIVE_INFINITY;
        for (float value : values) {
            max = Math.max(max, value);
        }
        double sum = 0;
        for (float value : values) {
            sum += Math.exp(value - max);
        }
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (Math.exp(values[i] - max) / sum);
        }
    }
}
