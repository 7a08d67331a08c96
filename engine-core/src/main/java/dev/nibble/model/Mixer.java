package dev.nibble.model;

/** The part of a block that mixes information between positions. */
public sealed interface Mixer
        permits AttentionConfig,
                CrossAttentionConfig,
                LatentAttentionConfig,
                CompressedAttentionConfig,
                ShortConvolutionConfig,
                DeltaNetConfig,
                LightningConfig,
                MambaConfig,
                Mamba2Config,
                Rwkv6Config,
                Rwkv7Config,
                ChannelMixConfig,
                Mixer.Linear,
                Mixer.SideBySide {

    /**
     * A linear map of each position on its own: attention that was taken out of a trained model.
     *
     * @param map [hidden] to [hidden]
     */
    record Linear(Projection map) implements Mixer {}

    /** Two mixers that read the same input, and whose results are added. */
    record SideBySide(AttentionConfig attention, Mamba2Config recurrent) implements Mixer {}
}
