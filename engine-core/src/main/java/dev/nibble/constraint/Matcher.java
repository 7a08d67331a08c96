package dev.nibble.constraint;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * How far a text has come in a constraint, token by token. Immutable: {@link #accept} gives the next matcher, and the old one
 * is the way back.
 */
public final class Matcher {
    private static final byte[] NOTHING = {};

    private final TokenMasks masks;
    private final MaskCache cache;
    private final WalkState state;

    Matcher(TokenMasks masks, MaskCache cache, WalkState state) {
        this.masks = masks;
        this.cache = cache;
        this.state = state;
    }

    /** Words of the array for {@link #mask}. */
    public int maskWords() {
        return masks.words();
    }

    /**
     * Sets bit {@code id % 64} of word {@code id / 64} for every token of text that may come next, and clears all others.
     * Tokens that end the generation are not among them: they may come where {@link #isComplete}.
     *
     * @return whether there is any
     */
    public boolean mask(long[] mask) {
        Arrays.fill(mask, 0);
        TokenMask[] parts = masks.parts(state, cache);
        for (TokenMask part : parts) {
            part.addTo(mask);
        }
        return parts.length > 0;
    }

    /** Whether anything may follow; if not, the text can only end here. */
    public boolean canContinue() {
        return state.position.heads.length > 0;
    }

    /** Whether the text may end here. */
    public boolean isComplete() {
        return state.position.complete;
    }

    /** Whether the token may come next. */
    public boolean allows(int token) {
        return after(token) != WalkState.DEAD;
    }

    /** The matcher after a token, null if it may not come here. */
    public @Nullable Matcher next(int token) {
        WalkState next = after(token);
        return next == WalkState.DEAD ? null : next.matcher(masks, cache);
    }

    /**
     * The matcher after a token.
     *
     * @throws IllegalArgumentException if the token may not come here
     */
    public Matcher accept(int token) {
        Matcher next = next(token);
        if (next == null) {
            throw new IllegalArgumentException("the constraint does not allow the token " + token + " here");
        }
        return next;
    }

    /**
     * How much of a text that has to come next can be cut into tokens without a token being missed that a model might prefer:
     * one that begins within the text and goes on behind it.
     *
     * @param text bytes that must come next, as {@link #forced} gives them
     * @param from where such a token can begin at the earliest
     * @return the first place where one can begin, the length of the text if there is none
     */
    public int certain(byte[] text, int from) {
        WalkState at = state;
        for (int i = 0; i < text.length && at != WalkState.DEAD; i++) {
            if (i >= from && masks.mayGoOn(at, cache, text, i)) {
                return i;
            }
            at = at.next(text[i] & 0xFF, cache);
        }
        return text.length;
    }

    private WalkState after(int token) {
        if (token >= masks.trie.size() || masks.trie.bytes(token).length == 0) {
            return WalkState.DEAD;
        }
        WalkState at = state;
        for (byte b : masks.trie.bytes(token)) {
            at = at.next(b & 0xFF, cache);
            if (at == WalkState.DEAD) {
                break;
            }
        }
        return at;
    }

    /**
     * The bytes that must come next, as far as there is no choice; empty where there is one, or the text may end.
     *
     * @param limit bytes at the most
     */
    public byte[] forced(int limit) {
        if (state.position.complete || state.onlyByte() < 0) {
            return NOTHING;
        }
        byte[] forced = new byte[limit];
        int count = 0;
        WalkState at = state;
        while (count < limit && !at.position.complete) {
            int only = at.onlyByte();
            if (only < 0) {
                break;
            }
            forced[count++] = (byte) only;
            at = at.next(only, cache);
        }
        return Arrays.copyOf(forced, count);
    }
}
