package dev.nibble.model;

import org.jspecify.annotations.Nullable;

/**
 * A query reads no more than the {@code count} keys that an indexer rates best (DeepSeek-V3.2), all as long as there are no more.
 * Of keys that are rated alike the earlier ones are read.
 *
 * @param count keys that are read
 * @param indexer what rates the keys, or null: those are read that the last layer before with an indexer chose
 */
public record KeyChoice(int count, @Nullable Indexer indexer) {

    public KeyChoice {
        if (count < 1) {
            throw new IllegalArgumentException("an indexer chooses at least one key, not " + count);
        }
    }

    /**
     * Rates keys: {@code Σ w_h · relu(q_h · k) / √(headCount · keyDim)} over heads h, with a part of q and k rotated.
     *
     * @param headCount heads
     * @param query from the low rank of the layer's queries to [headCount · keyDim]
     * @param key [hidden] to [keyDim]
     * @param keyNorm over the key, before the rotation
     * @param weights w: [hidden] to [headCount]
     * @param rope rotation of q and k
     * @param rotatesEnd whether the last elements are rotated in place of the first
     */
    public record Indexer(
            int headCount,
            Projection query,
            Projection key,
            Norm keyNorm,
            Projection weights,
            RopeConfig rope,
            boolean rotatesEnd) {

        public Indexer {
            if (headCount < 1 || query.outputSize() != headCount * key.outputSize()) {
                throw new IllegalArgumentException("an indexer of " + headCount + " heads with keys of "
                        + key.outputSize() + " elements cannot have queries of " + query.outputSize());
            }
            if (rope.dims() > key.outputSize()) {
                throw new IllegalArgumentException("a rotation of " + rope.dims() + " elements does not fit an"
                        + " indexer's keys of " + key.outputSize());
            }
        }

        /** Elements of a key, and of a query head. */
        public int keyDim() {
            return key.outputSize();
        }
    }
}
