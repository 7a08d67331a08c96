package dev.nibble.model;

/** The part of a block that mixes information between positions. */
public sealed interface Mixer permits AttentionConfig, ShortConvolutionConfig, DeltaNetConfig, Mamba2Config {}
