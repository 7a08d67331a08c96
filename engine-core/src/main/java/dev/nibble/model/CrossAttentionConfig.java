package dev.nibble.model;

/**
 * Attention of a decoder's positions over all states of the {@linkplain Model.Encoder encoder}.
 *
 * @param headCount query heads, and as many key and value heads
 * @param headDim elements of a query and of a key head
 * @param valueDim elements of a value head
 * @param query [hidden] to [headCount · headDim], of what the block reads
 * @param key [hidden] to [headCount · headDim], of the encoder's states
 * @param value [hidden] to [headCount · valueDim], of the encoder's states
 * @param output [headCount · valueDim] to [hidden]
 * @param scale factor of the scores
 */
public record CrossAttentionConfig(
        int headCount,
        int headDim,
        int valueDim,
        Projection query,
        Projection key,
        Projection value,
        Projection output,
        float scale)
        implements Mixer {}
