package dev.nibble.model;

import org.jspecify.annotations.Nullable;

/**
 * A transformer block as data: {@code x ← x + r · post(mixer(pre(x)))}, then the same with the feed-forward layer, then
 * {@code x ← norm(s · x + e · x₀)}, where x₀ is the input of the first block. {@link #builder} starts with none of it.
 *
 * @param mixerNorm before the mixer, null for none
 * @param mixer attention or what stands in its place, null for a block without
 * @param mixerPostNorm after the mixer, before the addition; null for none
 * @param ffnNorm before the feed-forward layer, null for none
 * @param ffn the feed-forward layer, null for a block without
 * @param ffnPostNorm after it, before the addition; null for none
 * @param parallel both parts read the block's input, each through its norm, and both results are added to it
 * @param residualScale r
 * @param outputScale s
 * @param embeddingShare e
 * @param outputNorm at the end of the block, null for none
 * @param turn at the end of the block x becomes one of two states that take turns, or null
 * @param normsAfterAddition the post norms are applied to the sum instead (BERT)
 * @param readdedNorm behind the mixer and its post norm the block's input is added once more, and this norm is applied to the
 *     sum (Jina's code models); null for none
 * @param perLayerInput a gated embedding added at the end of the block, or null
 * @param altUp the block's part in predicting and correcting several streams, or null
 * @param normedResidual above 0: what a part returns is added to what its norm made, times this, in place of x (MiniMax-01)
 * @param connections how the parts read and change several residual streams, in place of x ← x + part(x); null for one stream
 */
public record BlockConfig(
        @Nullable Norm mixerNorm,
        @Nullable Mixer mixer,
        @Nullable Norm mixerPostNorm,
        @Nullable Norm ffnNorm,
        @Nullable FeedForward ffn,
        @Nullable Norm ffnPostNorm,
        boolean parallel,
        float residualScale,
        float outputScale,
        float embeddingShare,
        @Nullable Norm outputNorm,
        @Nullable Turn turn,
        boolean normsAfterAddition,
        @Nullable Norm readdedNorm,
        @Nullable PerLayerInput perLayerInput,
        @Nullable AltUp altUp,
        float normedResidual,
        @Nullable Connections connections) {

    /** A block without parts, to set them. */
    public static Builder builder() {
        return new Builder();
    }

    /** A block with pre-norms only, as Llama has. */
    public static BlockConfig preNorm(@Nullable Norm mixerNorm, Mixer mixer, @Nullable Norm ffnNorm, FeedForward ffn) {
        return builder().mixer(mixerNorm, mixer).feedForward(ffnNorm, ffn).build();
    }

    /** The parts of this block, to set others. */
    public Builder with() {
        Builder builder = new Builder();
        builder.mixerNorm = mixerNorm;
        builder.mixer = mixer;
        builder.mixerPostNorm = mixerPostNorm;
        builder.ffnNorm = ffnNorm;
        builder.ffn = ffn;
        builder.ffnPostNorm = ffnPostNorm;
        builder.parallel = parallel;
        builder.residualScale = residualScale;
        builder.outputScale = outputScale;
        builder.embeddingShare = embeddingShare;
        builder.outputNorm = outputNorm;
        builder.turn = turn;
        builder.normsAfterAddition = normsAfterAddition;
        builder.readdedNorm = readdedNorm;
        builder.perLayerInput = perLayerInput;
        builder.altUp = altUp;
        builder.normedResidual = normedResidual;
        builder.connections = connections;
        return builder;
    }

    /** The same block with norms after the mixer and the feed-forward layer. */
    public BlockConfig withPostNorms(@Nullable Norm afterMixer, @Nullable Norm afterFfn) {
        return with().postNorms(afterMixer, afterFfn).build();
    }

    /** The same block with other factors. */
    public BlockConfig withScales(float residual, float output) {
        return with().scales(residual, output).build();
    }

    /** The same block with its post norms applied after the additions. */
    public BlockConfig withNormsAfterAddition() {
        return with().normsAfterAddition().build();
    }

    /** The same block with a per-layer input, an AltUp part, or both. */
    public BlockConfig withStreams(@Nullable PerLayerInput input, @Nullable AltUp streams) {
        return with().streams(input, streams).build();
    }

    /** Collects the parts; what is not set is absent. */
    public static final class Builder {
        private @Nullable Norm mixerNorm;
        private @Nullable Mixer mixer;
        private @Nullable Norm mixerPostNorm;
        private @Nullable Norm ffnNorm;
        private @Nullable FeedForward ffn;
        private @Nullable Norm ffnPostNorm;
        private boolean parallel;
        private float residualScale = 1;
        private float outputScale = 1;
        private float embeddingShare;
        private @Nullable Norm outputNorm;
        private @Nullable Turn turn;
        private boolean normsAfterAddition;
        private @Nullable Norm readdedNorm;
        private @Nullable PerLayerInput perLayerInput;
        private @Nullable AltUp altUp;
        private float normedResidual;
        private @Nullable Connections connections;

        private Builder() {}

        public Builder mixer(@Nullable Norm norm, @Nullable Mixer part) {
            mixerNorm = norm;
            mixer = part;
            return this;
        }

        public Builder feedForward(@Nullable Norm norm, @Nullable FeedForward part) {
            ffnNorm = norm;
            ffn = part;
            return this;
        }

        public Builder postNorms(@Nullable Norm afterMixer, @Nullable Norm afterFfn) {
            mixerPostNorm = afterMixer;
            ffnPostNorm = afterFfn;
            return this;
        }

        public Builder parallel() {
            parallel = true;
            return this;
        }

        public Builder scales(float residual, float output) {
            residualScale = residual;
            outputScale = output;
            return this;
        }

        public Builder embeddingShare(float share) {
            embeddingShare = share;
            return this;
        }

        public Builder outputNorm(@Nullable Norm norm) {
            outputNorm = norm;
            return this;
        }

        public Builder turn(@Nullable Turn change) {
            turn = change;
            return this;
        }

        public Builder normsAfterAddition() {
            normsAfterAddition = true;
            return this;
        }

        public Builder readdedNorm(@Nullable Norm norm) {
            readdedNorm = norm;
            return this;
        }

        public Builder streams(@Nullable PerLayerInput input, @Nullable AltUp streams) {
            perLayerInput = input;
            altUp = streams;
            return this;
        }

        public Builder normedResidual(float factor) {
            normedResidual = factor;
            return this;
        }

        public Builder connections(@Nullable Connections ofParts) {
            connections = ofParts;
            return this;
        }

        public BlockConfig build() {
            return new BlockConfig(
                    mixerNorm,
                    mixer,
                    mixerPostNorm,
                    ffnNorm,
                    ffn,
                    ffnPostNorm,
                    parallel,
                    residualScale,
                    outputScale,
                    embeddingShare,
                    outputNorm,
                    turn,
                    normsAfterAddition,
                    readdedNorm,
                    perLayerInput,
                    altUp,
                    normedResidual,
                    connections);
        }
    }

    /**
     * How the mixer and the feed-forward layer are connected to the residual streams; their norms apply to what they read.
     *
     * @param mixer of the mixer
     * @param ffn of the feed-forward layer
     */
    public record Connections(Connection mixer, Connection ffn) {}

    /**
     * Two states that stacks of blocks compute by turns, each from the sum of both (hierarchical reasoning, arXiv 2506.21734):
     * x becomes one of them, and the next block reads their sum. At first one is the input of the first block, and the other
     * its {@link Model.EmbeddingInput.States#other}.
     *
     * @param other whether x becomes the other state
     * @param last whether nothing follows, and x stays what it is
     */
    public record Turn(boolean other, boolean last) {}

    /**
     * Gemma 3n and 4: {@code x ← x + norm(projection(gelu(gate(x)) · e))} with the layer's own embedding e of the token.
     *
     * @param gate [hidden] to [width]
     * @param projection [width] to [hidden]
     * @param norm over the hidden size
     */
    public record PerLayerInput(Projection gate, Projection projection, Norm norm) {}

    /**
     * Gemma 3n's alternating updates (arXiv 2301.13310) of n streams of which the block computes one, and its low-rank
     * residual (LAuReL, arXiv 2411.07501).
     *
     * @param router [hidden] to [n]
     * @param routerNorm over the hidden size
     * @param predict [n] to [n · n]
     * @param correct [n] to [n]
     * @param correctScale [hidden], factor of the active stream before the per-layer input
     * @param laurelLeft [hidden] to [rank]
     * @param laurelRight [rank] to [hidden]
     * @param laurelNorm over the hidden size
     */
    public record AltUp(
            Projection router,
            Norm routerNorm,
            Projection predict,
            Projection correct,
            float[] correctScale,
            Projection laurelLeft,
            Projection laurelRight,
            Norm laurelNorm) {}
}
