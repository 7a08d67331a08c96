package dev.nibble.model;

import org.jspecify.annotations.Nullable;

/**
 * A transformer block as data: {@code x ← x + r · post(mixer(pre(x)))}, then the same with the feed-forward layer, then
 * {@code x ← s · x}.
 *
 * @param mixerNorm before the mixer, null for none
 * @param mixer attention or what stands in its place
 * @param mixerPostNorm after the mixer, before the addition; null for none
 * @param ffnNorm before the feed-forward layer, null for none
 * @param ffn the feed-forward layer
 * @param ffnPostNorm after it, before the addition; null for none
 * @param residualScale r
 * @param outputScale s
 * @param normsAfterAddition the post norms are applied to the sum instead (BERT)
 * @param perLayerInput a gated embedding added at the end of the block, or null
 * @param altUp the block's part in predicting and correcting several streams, or null
 */
public record BlockConfig(
        @Nullable Norm mixerNorm,
        Mixer mixer,
        @Nullable Norm mixerPostNorm,
        @Nullable Norm ffnNorm,
        FeedForward ffn,
        @Nullable Norm ffnPostNorm,
        float residualScale,
        float outputScale,
        boolean normsAfterAddition,
        @Nullable PerLayerInput perLayerInput,
        @Nullable AltUp altUp) {

    /** A block with pre-norms only, as Llama has. */
    public static BlockConfig preNorm(@Nullable Norm mixerNorm, Mixer mixer, @Nullable Norm ffnNorm, FeedForward ffn) {
        return new BlockConfig(mixerNorm, mixer, null, ffnNorm, ffn, null, 1, 1, false, null, null);
    }

    /** The same block with norms after the mixer and the feed-forward layer. */
    public BlockConfig withPostNorms(@Nullable Norm afterMixer, @Nullable Norm afterFfn) {
        return new BlockConfig(
                mixerNorm,
                mixer,
                afterMixer,
                ffnNorm,
                ffn,
                afterFfn,
                residualScale,
                outputScale,
                normsAfterAddition,
                perLayerInput,
                altUp);
    }

    /** The same block with other factors. */
    public BlockConfig withScales(float residual, float output) {
        return new BlockConfig(
                mixerNorm,
                mixer,
                mixerPostNorm,
                ffnNorm,
                ffn,
                ffnPostNorm,
                residual,
                output,
                normsAfterAddition,
                perLayerInput,
                altUp);
    }

    /** The same block with its post norms applied after the additions. */
    public BlockConfig withNormsAfterAddition() {
        return new BlockConfig(
                mixerNorm,
                mixer,
                mixerPostNorm,
                ffnNorm,
                ffn,
                ffnPostNorm,
                residualScale,
                outputScale,
                true,
                perLayerInput,
                altUp);
    }

    /** The same block with a per-layer input, an AltUp part, or both. */
    public BlockConfig withStreams(@Nullable PerLayerInput input, @Nullable AltUp streams) {
        return new BlockConfig(
                mixerNorm,
                mixer,
                mixerPostNorm,
                ffnNorm,
                ffn,
                ffnPostNorm,
                residualScale,
                outputScale,
                normsAfterAddition,
                input,
                streams);
    }

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
