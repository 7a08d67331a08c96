package dev.nibble;

import dev.nibble.model.Model.Pooling;
import java.util.Objects;
import java.util.Optional;

/**
 * How embeddings are made. Immutable; start from {@link #DEFAULT}.
 *
 * @param pooling how the states of a text's tokens become one embedding, empty for what the file says
 * @param normalize whether embeddings are scaled to length 1, so that a dot product is their cosine similarity
 */
public record EmbeddingOptions(Optional<Pooling> pooling, boolean normalize) {

    /** The pooling of the file, normalized. */
    public static final EmbeddingOptions DEFAULT = new EmbeddingOptions(Optional.empty(), true);

    public EmbeddingOptions {
        Objects.requireNonNull(pooling, "pooling");
    }

    public EmbeddingOptions withPooling(Pooling value) {
        return new EmbeddingOptions(Optional.of(Objects.requireNonNull(value, "pooling")), normalize);
    }

    public EmbeddingOptions withNormalize(boolean value) {
        return new EmbeddingOptions(pooling, value);
    }
}
