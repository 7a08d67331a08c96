package dev.nibble;

import dev.nibble.OptionValues.Option;
import dev.nibble.model.Model.Pooling;
import java.util.Objects;
import java.util.Optional;

/** How embeddings are made. Immutable; start from {@link #DEFAULT} and set what differs. */
public final class EmbeddingOptions {
    private static final Option<Optional<Pooling>> POOLING = new Option<>("pooling", Optional.empty());
    private static final Option<Boolean> NORMALIZE = new Option<>("normalize", true);

    /** The pooling of the file, normalized. */
    public static final EmbeddingOptions DEFAULT = new EmbeddingOptions(OptionValues.NONE);

    private final OptionValues values;

    private EmbeddingOptions(OptionValues values) {
        this.values = values;
    }

    /** How the states of a text's tokens become one embedding; empty for what the file says. */
    public Optional<Pooling> pooling() {
        return values.get(POOLING);
    }

    /** Another pooling than the file's. */
    public EmbeddingOptions withPooling(Pooling value) {
        return new EmbeddingOptions(values.with(POOLING, Optional.of(Objects.requireNonNull(value, POOLING.name()))));
    }

    /** Whether embeddings are scaled to length 1, so that a dot product is their cosine similarity. */
    public boolean normalize() {
        return values.get(NORMALIZE);
    }

    /** False leaves embeddings as the model gives them. */
    public EmbeddingOptions withNormalize(boolean value) {
        return new EmbeddingOptions(values.with(NORMALIZE, value));
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof EmbeddingOptions options && values.equals(options.values);
    }

    @Override
    public int hashCode() {
        return values.hashCode();
    }

    /** The options that were set. */
    @Override
    public String toString() {
        return values.describe(EmbeddingOptions.class);
    }
}
