package dev.nibble.model;

/** The part of a block that mixes information between positions. */
public sealed interface Mixer
        permits AttentionConfig,
                LatentAttentionConfig,
                ShortConvolutionConfig,
                DeltaNetConfig,
                MambaConfig,
                Mamba2Config,
                Rwkv6Config,
                Rwkv7Config,
                ChannelMixConfig {}
