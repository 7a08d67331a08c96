package dev.nibble.model;

/** The part of a block that mixes information between positions. */
public sealed interface Mixer
        permits AttentionConfig, LatentAttentionConfig, ShortConvolutionConfig, DeltaNetConfig, Mamba2Config {}
