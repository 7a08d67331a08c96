package dev.nibble.model;

import org.jspecify.annotations.Nullable;

/**
 * A query reads no more than the {@code count} keys that an indexer rates best (DeepSeek-V3.2), all as long as there are no more.
 * Of keys that are rated alike the earlier ones are read. An indexer may rate blocks of keys in place of single ones: then so many
 * blocks are read, and of the block that is not complete all keys.
 *
 * @param count keys, or blocks of keys, that are read
 * @param indexer what rates the keys, or null: those are read that the last layer before with an indexer chose
 */
public record KeyChoice(int count, @Nullable Indexer indexer) {

    public KeyChoice {
        if (count < 1) {
            throw new IllegalArgumentException("an indexer chooses at least one key, not " + count);
        }
    }

    /** What an indexer rates. */
    public sealed interface Rated {
        /** Elements of a key. */
        int keyDim();

        /**
         * The keys of single positions.
         *
         * @param key [hidden] to [keyDim]
         * @param norm over the key, before the rotation
         */
        record Positions(Projection key, Norm norm) implements Rated {
            @Override
            public int keyDim() {
                return key.outputSize();
            }
        }

        /**
         * The keys of blocks of positions.
         *
         * @param blocks how they are made
         */
        record Blocks(KeyBlocks blocks) implements Rated {
            @Override
            public int keyDim() {
                return blocks.keyDim();
            }
        }
    }

    /**
     * Rates keys: {@code Σ w_h · relu(q_h · k) / √(headCount · keyDim)} over heads h, with a part of q and, where they are of single
     * positions, of the keys rotated.
     *
     * @param headCount heads
     * @param query from the low rank of the layer's queries to [headCount · keyDim]
     * @param rated the keys
     * @param weights w: [hidden] to [headCount]
     * @param rope rotation, or null
     * @param rotatesEnd whether the last elements are rotated in place of the first
     */
    public record Indexer(
            int headCount,
            Projection query,
            Rated rated,
            Projection weights,
            @Nullable RopeConfig rope,
            boolean rotatesEnd) {

        public Indexer {
            if (headCount < 1 || query.outputSize() != headCount * rated.keyDim()) {
                throw new IllegalArgumentException("an indexer of " + headCount + " heads with keys of "
                        + rated.keyDim() + " elements cannot have queries of " + query.outputSize());
            }
            if (rope != null && rope.dims() > rated.keyDim()) {
                throw new IllegalArgumentException("a rotation of " + rope.dims() + " elements does not fit an"
                        + " indexer's keys of " + rated.keyDim());
            }
        }

        /** Elements of a key, and of a query head. */
        public int keyDim() {
            return rated.keyDim();
        }

        /** Positions that are rated together. */
        public int blockSize() {
            return rated instanceof Rated.Blocks of ? of.blocks().size() : 1;
        }
    }
}
