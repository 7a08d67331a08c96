package dev.nibble.embedding;

import dev.nibble.UnsupportedModelException;
import dev.nibble.model.Metadata;
import dev.nibble.model.Model;
import dev.nibble.model.Model.Pooling;
import java.util.Objects;
import java.util.Optional;

/** Decides how a model pools: as asked, as its file says in {@code pooling_type}, or as its architecture does. */
public final class PoolingReader {
    /** What files may hold that leave the choice to the user, as if the key were missing. */
    private static final int UNSPECIFIED = -1;

    private PoolingReader() {}

    /**
     * The model as an embedding model; where a decoder answers an encoder, the encoder.
     *
     * @param asked overrides the file
     * @throws UnsupportedModelException for a reranker, and where nothing says how to pool
     * @throws dev.nibble.ModelFormatException for an unknown value in the file
     */
    public static Model embedding(Metadata metadata, Model model, Optional<Pooling> asked) {
        Model reader = model.encoder() == null ? model : model.encoder().model();
        return reader.withPooling(asked.orElseGet(() -> fromFile(metadata, reader)));
    }

    /** The values are those of llama.cpp's {@code llama_pooling_type}. */
    private static Pooling fromFile(Metadata metadata, Model model) {
        String key = model.config().architecture() + ".pooling_type";
        int value = metadata.optionalInt(key, UNSPECIFIED);
        return switch (value) {
            case 0 -> Pooling.NONE;
            case 1 -> Pooling.MEAN;
            case 2 -> Pooling.FIRST;
            case 3 -> Pooling.LAST;
            case 4 ->
                throw unsupported(
                        metadata,
                        key,
                        "the pooling is 'rank': the model rates pairs of texts and has no embeddings; load it with"
                                + " RerankModel");
            case UNSPECIFIED -> byArchitecture(metadata, key, model);
            default ->
                throw metadata.failure(
                        key, "the pooling " + value + " is not known; known are 0 none, 1 mean, 2 cls, 3 last, 4 rank");
        };
    }

    private static Pooling byArchitecture(Metadata metadata, String key, Model model) {
        Pooling pooling = model.pooling();
        if (pooling == null) {
            throw unsupported(
                    metadata,
                    key,
                    "the file does not say how to make one embedding of the tokens of a text; if the model is meant for"
                            + " that, choose with EmbeddingOptions.withPooling (MEAN, FIRST, LAST, or NONE)");
        }
        return pooling;
    }

    private static UnsupportedModelException unsupported(Metadata metadata, String key, String problem) {
        return new UnsupportedModelException(
                Objects.requireNonNull(metadata.failure(key, problem).getMessage()));
    }
}
