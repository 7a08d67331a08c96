package dev.nibble.model;

import org.jspecify.annotations.Nullable;

/**
 * The channel mix of RWKV, a feed-forward layer that also reads the position before: with its input p and
 * {@code s = p - h}: {@code value(relu(key(h + s · keyShare))²)}, in RWKV 6 times
 * {@code sigmoid(receptance(h + s · receptanceShare))}.
 *
 * @param keyShare [hidden]
 * @param key [hidden] to [ffn]
 * @param value [ffn] to [hidden]
 * @param receptanceShare [hidden], or null
 * @param receptance [hidden] to [hidden], or null
 */
public record ChannelMixConfig(
        float[] keyShare,
        Projection key,
        Projection value,
        float @Nullable [] receptanceShare,
        @Nullable Projection receptance)
        implements Mixer {}
