package dev.nibble.model;

import org.jspecify.annotations.Nullable;

/**
 * Multi-head attention with grouped key and value heads.
 *
 * @param headCount query heads
 * @param kvHeadCount key and value heads; a divisor of {@code headCount}
 * @param headDim elements of a query and of a key head
 * @param valueDim elements of a value head
 * @param query [hidden] to [headCount · headDim], or twice that with an output gate: query and gate of a head in turn
 * @param key [hidden] to [kvHeadCount · headDim], null when {@code kvLayer} is another layer
 * @param value [hidden] to [kvHeadCount · valueDim], null when the values are the keys before their norm
 * @param output [headCount · valueDim] to [hidden]
 * @param queryNorm over a head, or over the full width if its weights are that wide; null for none
 * @param keyNorm likewise
 * @param valueNormEpsilon above 0: each value head is RMS-normalized with it, without weights
 * @param rope rotation of queries and keys, or null for none
 * @param scale factor of the scores
 * @param softcap c in c·tanh(score/c), 0 for none
 * @param window how many positions a query sees, itself included; 0 for all
 * @param causal false if a query also sees later positions (embedding models); then the window lies around it
 * @param sinks [headCount] scores of a virtual key without a value, or null
 * @param outputGate whether the attention output is multiplied by sigmoid(gate)
 * @param temperature growth of the queries with the position, or null
 * @param kvLayer the layer whose keys and values are used: the own one, or an earlier one
 */
public record AttentionConfig(
        int headCount,
        int kvHeadCount,
        int headDim,
        int valueDim,
        Projection query,
        @Nullable Projection key,
        @Nullable Projection value,
        Projection output,
        @Nullable Norm queryNorm,
        @Nullable Norm keyNorm,
        float valueNormEpsilon,
        @Nullable RopeConfig rope,
        float scale,
        float softcap,
        int window,
        boolean causal,
        float @Nullable [] sinks,
        boolean outputGate,
        @Nullable Temperature temperature,
        int kvLayer)
        implements Mixer {

    public AttentionConfig {
        if (kvHeadCount < 1 || headCount % kvHeadCount != 0 || headDim < 1 || valueDim < 1 || window < 0) {
            throw new IllegalArgumentException("an attention cannot have " + headCount + " heads of " + headDim + ", "
                    + kvHeadCount + " key/value heads with values of " + valueDim + " and a window of " + window);
        }
        if (rope != null && rope.dims() > headDim) {
            throw new IllegalArgumentException(
                    "a rotation of " + rope.dims() + " elements does not fit heads of " + headDim);
        }
        if (value == null && key != null && valueDim != headDim) {
            throw new IllegalArgumentException(
                    "keys of " + headDim + " elements cannot serve as values of " + valueDim);
        }
    }

    /** Queries at position p are multiplied by {@code 1 + scale · ln(⌊(p + offset) / originalContext⌋ + 1)}. */
    public record Temperature(float scale, int originalContext, float offset) {

        /** What the queries at a position are multiplied by. */
        public float factor(int position) {
            double steps = Math.floor((position + offset) / originalContext);
            return (float) (1 + scale * Math.log(steps + 1));
        }
    }

    /** Collects the parts; what is not set is absent. */
    public static final class Builder {
        private final int layer;
        private final int headCount;
        private final int kvHeadCount;
        private final int headDim;
        private final int valueDim;
        private final Projection query;
        private final @Nullable Projection key;
        private final @Nullable Projection value;
        private final Projection output;
        private @Nullable Norm queryNorm;
        private @Nullable Norm keyNorm;
        private float valueNormEpsilon;
        private @Nullable RopeConfig rope;
        private float scale;
        private float softcap;
        private int window;
        private boolean causal = true;
        private float @Nullable [] sinks;
        private boolean outputGate;
        private @Nullable Temperature temperature;
        private int kvLayer;

        /** Starts with what every attention has; the scale is 1/√headDim until set. */
        public Builder(
                int layer,
                int headCount,
                int kvHeadCount,
                int headDim,
                int valueDim,
                Projection query,
                @Nullable Projection key,
                @Nullable Projection value,
                Projection output) {
            this.layer = layer;
            this.headCount = headCount;
            this.kvHeadCount = kvHeadCount;
            this.headDim = headDim;
            this.valueDim = valueDim;
            this.query = query;
            this.key = key;
            this.value = value;
            this.output = output;
            this.scale = (float) (1 / Math.sqrt(headDim));
            this.kvLayer = layer;
        }

        /** The layer that is being built. */
        public int layer() {
            return layer;
        }

        public Builder norms(@Nullable Norm query, @Nullable Norm key) {
            queryNorm = query;
            keyNorm = key;
            return this;
        }

        public Builder normalizeValue(float epsilon) {
            valueNormEpsilon = epsilon;
            return this;
        }

        public Builder rope(@Nullable RopeConfig config) {
            rope = config;
            return this;
        }

        public Builder scale(float factor) {
            scale = factor;
            return this;
        }

        public Builder softcap(float cap) {
            softcap = cap;
            return this;
        }

        public Builder window(int positions) {
            window = positions;
            return this;
        }

        public Builder bidirectional() {
            causal = false;
            return this;
        }

        public Builder sinks(float @Nullable [] scores) {
            sinks = scores;
            return this;
        }

        public Builder outputGate() {
            outputGate = true;
            return this;
        }

        public Builder temperature(@Nullable Temperature growth) {
            temperature = growth;
            return this;
        }

        public Builder kvLayer(int source) {
            kvLayer = source;
            return this;
        }

        public AttentionConfig build() {
            return new AttentionConfig(
                    headCount,
                    kvHeadCount,
                    headDim,
                    valueDim,
                    query,
                    key,
                    value,
                    output,
                    queryNorm,
                    keyNorm,
                    valueNormEpsilon,
                    rope,
                    scale,
                    softcap,
                    window,
                    causal,
                    sinks,
                    outputGate,
                    temperature,
                    kvLayer);
        }
    }
}
