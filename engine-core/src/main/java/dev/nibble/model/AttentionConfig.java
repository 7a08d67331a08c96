package dev.nibble.model;

import org.jspecify.annotations.Nullable;

/**
 * Multi-head attention with grouped key and value heads.
 *
 * @param headCount query heads
 * @param kvHeadCount key and value heads; a divisor of {@code headCount}
 * @param headDim elements of a query and of a key head
 * @param valueDim elements of a value head
 * @param query [hidden] to [headCount · headDim], or twice that with an interleaved gate: query and gate of a head in turn
 * @param key [hidden] to [kvHeadCount · headDim], null when {@code kvLayer} is another layer
 * @param value [hidden] to [kvHeadCount · valueDim], null when the values are the keys before their norm
 * @param output [headCount · valueDim] to [hidden]
 * @param clamp above 0: queries, keys and values are limited to [-clamp, clamp] before anything else
 * @param queryNorm over a head, or over the full width if its weights are that wide; null for none
 * @param keyNorm likewise
 * @param normsAfterRope whether queries and keys are normalized after the rotation in place of before
 * @param valueNormEpsilon above 0: each value head is RMS-normalized with it, without weights
 * @param rope rotation of queries and keys, or null for none
 * @param scale factor of the scores
 * @param softcap c in c·tanh(score/c), 0 for none
 * @param slopes [headCount], ALiBi (Press et al. 2022, arXiv 2108.12409): a score is lowered by so much for each position
 *     between query and key; or null
 * @param relativeBias what is added to a score by the distance of the key from the query, or null
 * @param window how many positions a query sees, itself included; 0 for all
 * @param chunked the window does not slide: positions are cut into chunks of its size, and a query sees its chunk
 * @param causal false if a query also sees later positions (embedding models); then the window lies around it
 * @param sinks [headCount] scores of a virtual key without a value, or null
 * @param gate what the result of the attention is multiplied by, or null
 * @param mixedNorm over the results of all heads, before the output projection; null for none
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
        float clamp,
        @Nullable Norm queryNorm,
        @Nullable Norm keyNorm,
        boolean normsAfterRope,
        float valueNormEpsilon,
        @Nullable RopeConfig rope,
        float scale,
        float softcap,
        float @Nullable [] slopes,
        @Nullable RelativeBias relativeBias,
        int window,
        boolean chunked,
        boolean causal,
        float @Nullable [] sinks,
        @Nullable Gate gate,
        @Nullable Norm mixedNorm,
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
        if (gate != null && gate.projection() == null && valueDim != headDim) {
            throw new IllegalArgumentException(
                    "gates of " + headDim + " elements beside the queries do not fit values of " + valueDim);
        }
        if (gate != null
                && gate.projection() != null
                && gate.projection().outputSize() != headCount
                && gate.projection().outputSize() != headCount * valueDim) {
            throw new IllegalArgumentException("a gate of " + gate.projection().outputSize() + " elements fits neither "
                    + headCount + " heads nor their " + headCount * valueDim + " elements");
        }
        if (slopes != null && slopes.length != headCount) {
            throw new IllegalArgumentException(headCount + " heads need as many slopes, not " + slopes.length);
        }
    }

    /** The same attention as that of another layer, with keys and values of its own. */
    public AttentionConfig withKvLayer(int layer) {
        return new AttentionConfig(
                headCount,
                kvHeadCount,
                headDim,
                valueDim,
                query,
                key,
                value,
                output,
                clamp,
                queryNorm,
                keyNorm,
                normsAfterRope,
                valueNormEpsilon,
                rope,
                scale,
                softcap,
                slopes,
                relativeBias,
                window,
                chunked,
                causal,
                sinks,
                gate,
                mixedNorm,
                temperature,
                layer);
    }

    /** Elements of the gate of a position: one a head, or one for each element of the result; 0 without a gate. */
    public int gateWidth() {
        if (gate == null) {
            return 0;
        }
        return gate.projection() == null
                ? headCount * valueDim
                : gate.projection().outputSize();
    }

    /**
     * The slopes of ALiBi: a geometric sequence for a power of two, with every second of the next finer one for the heads
     * beyond.
     *
     * @param maxBias the exponent of the last slope, 8 for most models
     */
    public static float[] alibiSlopes(int heads, float maxBias) {
        int power = Integer.highestOneBit(heads);
        float[] slopes = new float[heads];
        for (int head = 0; head < heads; head++) {
            double exponent = head < power ? head + 1 : head - power + 0.5;
            slopes[head] = (float) Math.pow(2, -maxBias * exponent / power);
        }
        return slopes;
    }

    /**
     * What the result of the attention is multiplied by: a function of a map of what the attention reads.
     *
     * @param projection [hidden] to [headCount · valueDim] or to [headCount], a factor for each head; null where the gates
     *     stand beside the queries
     * @param function of the map's outputs
     */
    public record Gate(@Nullable Projection projection, Function function) {

        /** What becomes of a gate's output. */
        public enum Function {
            /** 1 / (1 + e^-x). */
            SIGMOID,
            /** ln(1 + e^x). */
            SOFTPLUS
        }
    }

    /**
     * T5's learned biases (Raffel et al. 2020, arXiv 1910.10683), one for each head and distance.
     *
     * @param values [headCount, 2 · reach + 1], of distances from -reach to reach; what is farther counts as that far
     * @param reach the greatest distance
     */
    public record RelativeBias(float[] values, int reach) {

        /** From a bias for each bucket of distances, which are the wider the farther. */
        public static RelativeBias ofBuckets(float[] biases, int heads, int reach, boolean bothWays) {
            int buckets = biases.length / heads;
            int width = 2 * reach + 1;
            float[] values = new float[heads * width];
            for (int head = 0; head < heads; head++) {
                for (int distance = -reach; distance <= reach; distance++) {
                    int bucket = bucket(distance, buckets, reach, bothWays);
                    values[head * width + distance + reach] = biases[bucket * heads + head];
                }
            }
            return new RelativeBias(values, reach);
        }

        private static int bucket(int distance, int buckets, int reach, boolean bothWays) {
            int count = bothWays ? buckets / 2 : buckets;
            int exact = count / 2;
            int steps = bothWays ? Math.abs(distance) : Math.max(0, -distance);
            double wide = exact + Math.log((double) steps / exact) * (count - exact) / Math.log((double) reach / exact);
            int bucket = steps < exact ? steps : Math.min((int) Math.floor((float) wide), count - 1);
            return bothWays && distance > 0 ? count + bucket : bucket;
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
        private Projection output;
        private float clamp;
        private @Nullable Norm queryNorm;
        private @Nullable Norm keyNorm;
        private boolean normsAfterRope;
        private float valueNormEpsilon;
        private @Nullable RopeConfig rope;
        private float scale;
        private float softcap;
        private float @Nullable [] slopes;
        private @Nullable RelativeBias relativeBias;
        private int window;
        private boolean chunked;
        private boolean causal = true;
        private float @Nullable [] sinks;
        private @Nullable Gate gate;
        private @Nullable Norm mixedNorm;
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

        public Builder normsAfterRope() {
            normsAfterRope = true;
            return this;
        }

        public Builder clamp(float limit) {
            clamp = limit;
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

        /** Factor of what the output projection returns. */
        public Builder scaleOutput(float factor) {
            output = output.times(factor);
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

        /** ALiBi with this exponent of the last slope. */
        public Builder alibi(float maxBias) {
            slopes = alibiSlopes(headCount, maxBias);
            return this;
        }

        public Builder relativeBias(@Nullable RelativeBias biases) {
            relativeBias = biases;
            return this;
        }

        public Builder chunk(int positions) {
            window = positions;
            chunked = true;
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

        public Builder gate(@Nullable Gate factors) {
            gate = factors;
            return this;
        }

        public Builder mixedNorm(@Nullable Norm norm) {
            mixedNorm = norm;
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
                    clamp,
                    queryNorm,
                    keyNorm,
                    normsAfterRope,
                    valueNormEpsilon,
                    rope,
                    scale,
                    softcap,
                    slopes,
                    relativeBias,
                    window,
                    chunked,
                    causal,
                    sinks,
                    gate,
                    mixedNorm,
                    temperature,
                    kvLayer);
        }
    }
}
