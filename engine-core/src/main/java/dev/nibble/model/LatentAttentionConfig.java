package dev.nibble.model;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434): the keys and values of all heads are linear maps of one
 * small latent vector, and only the latent and one part that the heads share are kept for each position.
 *
 * <p>{@code c, r = latent(h)}, where c is normalized and r rotated. A head's query is {@code (q, p)}, of which p is
 * rotated. The score of a position is {@code scale · (keyUp(q)·c + p·r)}: the map of the keys is applied to the query
 * once in place of every key. The weighted sum of the c is mapped by {@code valueUp} to the head's output.
 *
 * @param headCount heads
 * @param plainDim elements of q
 * @param rotatedDim elements of p and of r
 * @param valueDim elements of a head's output
 * @param queryDown [hidden] to [rank], or null where the queries are made from the hidden state directly
 * @param queryNorm over the rank, null without {@code queryDown}
 * @param query [rank] or [hidden] to [headCount · (plainDim + rotatedDim)]
 * @param latent [hidden] to [latent elements + rotatedDim]
 * @param latentNorm over the latent elements
 * @param rotatedNorm over r, before the rotation; null for none
 * @param keyUp of each head: [plainDim] to [latent elements]
 * @param valueUp of each head: [latent elements] to [valueDim]
 * @param output [headCount · valueDim] to [hidden]
 * @param rope rotation of p and r, all of them; null for none
 * @param scale factor of the scores
 * @param temperature growth of the queries with the position, or null
 * @param window how many positions a query sees, itself included; 0 for all
 * @param sinks [headCount] scores of a virtual key without a value, or null
 * @param gate what the heads' outputs are multiplied by, or null
 * @param choice which keys are read, or null for all
 */
public record LatentAttentionConfig(
        int headCount,
        int plainDim,
        int rotatedDim,
        int valueDim,
        @Nullable Projection queryDown,
        @Nullable Norm queryNorm,
        Projection query,
        Projection latent,
        Norm latentNorm,
        @Nullable Norm rotatedNorm,
        List<Projection> keyUp,
        List<Projection> valueUp,
        Projection output,
        @Nullable RopeConfig rope,
        float scale,
        AttentionConfig.@Nullable Temperature temperature,
        int window,
        float @Nullable [] sinks,
        AttentionConfig.@Nullable Gate gate,
        @Nullable KeyChoice choice)
        implements Mixer {

    public LatentAttentionConfig {
        keyUp = List.copyOf(keyUp);
        valueUp = List.copyOf(valueUp);
        if (headCount < 1 || plainDim < 1 || rotatedDim < 0 || valueDim < 1 || window < 0) {
            throw new IllegalArgumentException("a latent attention cannot have " + headCount + " heads with " + plainDim
                    + " elements that are not rotated, " + rotatedDim + " that are, values of " + valueDim
                    + " and a window of " + window);
        }
        if (keyUp.size() != headCount || valueUp.size() != headCount) {
            throw new IllegalArgumentException(headCount + " heads need as many key and value maps, not " + keyUp.size()
                    + " and " + valueUp.size());
        }
        if (rope != null && rope.dims() != rotatedDim) {
            throw new IllegalArgumentException(
                    "a rotation of " + rope.dims() + " elements is not that of " + rotatedDim);
        }
        if (choice != null && (queryDown == null || window > 0)) {
            throw new IllegalArgumentException("keys are chosen by queries of low rank and without a window");
        }
    }

    /** Elements of c. */
    public int latentDim() {
        return latentNorm.width();
    }

    /** Elements of a query head: q and p. */
    public int queryDim() {
        return plainDim + rotatedDim;
    }

    /** What is kept for each position: c and r. */
    public int cacheDim() {
        return latentDim() + rotatedDim;
    }

    /** What rates the keys, null where nothing in this layer does. */
    public KeyChoice.@Nullable Indexer indexer() {
        return choice == null ? null : choice.indexer();
    }

    /** Collects what not every latent attention has; what is not set is absent. */
    public static final class Builder {
        private final int headCount;
        private final int plainDim;
        private final int rotatedDim;
        private final int valueDim;
        private @Nullable Projection queryDown;
        private @Nullable Norm queryNorm;
        private final Projection query;
        private final Projection latent;
        private final Norm latentNorm;
        private @Nullable Norm rotatedNorm;
        private final List<Projection> keyUp;
        private final List<Projection> valueUp;
        private final Projection output;
        private @Nullable RopeConfig rope;
        private float scale;
        private AttentionConfig.@Nullable Temperature temperature;
        private int window;
        private float @Nullable [] sinks;
        private AttentionConfig.@Nullable Gate gate;
        private @Nullable KeyChoice choice;

        /** Starts with what every one has; the scale is 1/√(elements of a query head) until set. */
        public Builder(
                int headCount,
                int plainDim,
                int rotatedDim,
                int valueDim,
                Projection query,
                Projection latent,
                Norm latentNorm,
                List<Projection> keyUp,
                List<Projection> valueUp,
                Projection output) {
            this.headCount = headCount;
            this.plainDim = plainDim;
            this.rotatedDim = rotatedDim;
            this.valueDim = valueDim;
            this.query = query;
            this.latent = latent;
            this.latentNorm = latentNorm;
            this.keyUp = keyUp;
            this.valueUp = valueUp;
            this.output = output;
            scale = (float) (1 / Math.sqrt(plainDim + rotatedDim));
        }

        public Builder lowRankQuery(@Nullable Projection down, @Nullable Norm norm) {
            queryDown = down;
            queryNorm = norm;
            return this;
        }

        public Builder rope(@Nullable RopeConfig config) {
            rope = config;
            return this;
        }

        public Builder rotatedNorm(@Nullable Norm norm) {
            rotatedNorm = norm;
            return this;
        }

        public Builder scale(float factor) {
            scale = factor;
            return this;
        }

        public Builder temperature(AttentionConfig.@Nullable Temperature growth) {
            temperature = growth;
            return this;
        }

        public Builder window(int positions) {
            window = positions;
            return this;
        }

        public Builder sinks(float @Nullable [] scores) {
            sinks = scores;
            return this;
        }

        public Builder gate(AttentionConfig.@Nullable Gate factors) {
            gate = factors;
            return this;
        }

        public Builder choice(@Nullable KeyChoice keys) {
            choice = keys;
            return this;
        }

        public LatentAttentionConfig build() {
            return new LatentAttentionConfig(
                    headCount,
                    plainDim,
                    rotatedDim,
                    valueDim,
                    queryDown,
                    queryNorm,
                    query,
                    latent,
                    latentNorm,
                    rotatedNorm,
                    keyUp,
                    valueUp,
                    output,
                    rope,
                    scale,
                    temperature,
                    window,
                    sinks,
                    gate,
                    choice);
        }
    }
}
