package dev.nibble.constraint;

import java.lang.ref.WeakReference;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A position with what was found out about it, as far as it was asked for: the positions after each byte, the tokens that may
 * follow. So what has been walked once is walked again without making anything. Threads may find out the same at once, and
 * find the same.
 */
final class WalkState {
    static final WalkState DEAD = new WalkState(Position.DEAD);

    private static final int UNKNOWN = -2;
    /** Positions of more heads than these are asked byte by byte. */
    private static final int FEW_HEADS = 4;

    final Position position;
    private final @Nullable WalkState[] next = new WalkState[256];
    private int onlyByte = UNKNOWN;
    private @Nullable WeakReference<Matcher> matcher;

    /** Masks whose union may follow; null until asked for. */
    TokenMask @Nullable [] parts;

    /** [alphabets], what {@link PlainTokens} knows of it; 0 for nothing yet. */
    final int[] plain = new int[PlainTokens.ALPHABETS.size()];

    WalkState(Position position) {
        this.position = position;
    }

    /** The state after one more byte. */
    WalkState next(int b, MaskCache cache) {
        WalkState known = next[b];
        if (known == null) {
            known = cache.walkState(position.next(b));
            next[b] = known;
            if (position.heads.length <= FEW_HEADS) {
                for (int other = 0; other < next.length; other++) {
                    if (next[other] == null && position.cannotTell(b, other)) {
                        next[other] = known;
                    }
                }
            }
        }
        return known;
    }

    /** The only byte that may come next, -1 if there are several or none. */
    int onlyByte() {
        if (onlyByte == UNKNOWN) {
            onlyByte = position.onlyByte();
        }
        return onlyByte;
    }

    /** The matcher that stands here. It is held weakly, as it holds the vocabulary, which constraints may outlive. */
    Matcher matcher(TokenMasks masks, MaskCache cache) {
        if (this == DEAD) {
            return new Matcher(masks, cache, this); // of all vocabularies
        }
        WeakReference<Matcher> made = matcher;
        Matcher known = made == null ? null : made.get();
        if (known == null) {
            known = new Matcher(masks, cache, this);
            matcher = new WeakReference<>(known);
        }
        return known;
    }

    /** Lets go of all that was found out. */
    void forget() {
        Arrays.fill(next, null);
        parts = null;
        matcher = null;
    }
}
