package dev.nibble.model;

import org.jspecify.annotations.Nullable;

/**
 * One key for each block of positions that follow each other, once all of them are there.
 *
 * <p>With {@code k = keyNorm(key(h))} of each position and {@code g = gate(h) + offsets}, by the position's place in the block, the
 * block's key is {@code Σ softmax(g) k} over its positions, element by element; then it is normalized, and rotated as the block's
 * first position. Where blocks overlap, k and g are twice as wide as the block's key: it is made of their first halves in the block
 * before, where there is one, and of their second halves in the block itself.
 *
 * @param size positions of a block
 * @param overlapping see above
 * @param key [hidden] to [width]
 * @param keyNorm over the width, or null
 * @param gate [hidden] to [width]
 * @param offsets [size, width]
 * @param norm over the block's key, or null
 * @param rope rotation of the last elements of the block's key, or null
 */
public record KeyBlocks(
        int size,
        boolean overlapping,
        Projection key,
        @Nullable Norm keyNorm,
        Projection gate,
        float[] offsets,
        @Nullable Norm norm,
        @Nullable RopeConfig rope) {

    public KeyBlocks {
        int width = key.outputSize();
        if (size < 1 || gate.outputSize() != width || offsets.length != size * width || overlapping && width % 2 != 0) {
            throw new IllegalArgumentException("blocks of " + size + " positions with keys of " + width
                    + " elements cannot have gates of " + gate.outputSize() + " and " + offsets.length + " offsets");
        }
    }

    /** Elements of what a position brings, the gate apart. */
    public int width() {
        return key.outputSize();
    }

    /** Elements of a block's key. */
    public int keyDim() {
        return overlapping ? width() / 2 : width();
    }

    /** How many positions, its own included, may still bring something to a block's key. */
    public int reach() {
        return overlapping ? 2 * size : size;
    }
}
