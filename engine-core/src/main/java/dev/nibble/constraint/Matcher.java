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
    private final Position position;

    Matcher(TokenMasks masks, Position position) {
        this.masks = masks;
        this.position = position;
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
        masks.add(position, mask);
        for (long word : mask) {
            if (word != 0) {
                return true;
            }
        }
        return false;
    }

    /** Whether anything may follow; if not, the text can only end here. */
    public boolean canContinue() {
        return position.heads.length > 0;
    }

    /** Whether the text may end here. */
    public boolean isComplete() {
        return position.complete;
    }

    /** Whether the token may come next. */
    public boolean allows(int token) {
        return !after(token).isDead();
    }

    /** The matcher after a token, null if it may not come here. */
    public @Nullable Matcher next(int token) {
        Position next = after(token);
        return next.isDead() ? null : new Matcher(masks, next);
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
        Position at = position;
        for (int i = 0; i < text.length && !at.isDead(); i++) {
            if (i >= from && masks.mayGoOn(at, text, i)) {
                return i;
            }
            at = at.next(text[i] & 0xFF);
        }
        return text.length;
    }

    private Position after(int token) {
        byte[] bytes = token < masks.trie.size() ? masks.trie.bytes(token) : new byte[0];
        Position next = bytes.length == 0 ? Position.DEAD : position;
        for (int i = 0; i < bytes.length && !next.isDead(); i++) {
            next = next.next(bytes[i] & 0xFF);
        }
        return next;
    }

    /**
     * The bytes that must come next, as far as there is no choice; empty where there is one, or the text may end.
     *
     * @param limit bytes at the most
     */
    public byte[] forced(int limit) {
        if (position.complete || position.onlyByte() < 0) {
            return NOTHING;
        }
        byte[] forced = new byte[limit];
        int count = 0;
        Position at = position;
        while (count < limit && !at.complete) {
            int only = at.onlyByte();
            if (only < 0) {
                break;
            }
            forced[count++] = (byte) only;
            at = at.next(only);
        }
        return Arrays.copyOf(forced, count);
    }
}
