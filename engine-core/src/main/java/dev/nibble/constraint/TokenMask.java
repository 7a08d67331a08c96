package dev.nibble.constraint;

import org.jspecify.annotations.Nullable;

/** Tokens that may follow an expression, as a set of bits or, where they are few, as a list. */
final class TokenMask {
    private final long @Nullable [] bits;
    private final int[] list;
    /** The tree that the exits are nodes of. */
    final VocabularyTrie trie;
    /** Nodes after whose bytes the expression may have ended. */
    final int[] exits;

    TokenMask(long[] all, VocabularyTrie trie, int[] exits) {
        int count = 0;
        for (long word : all) {
            count += Long.bitCount(word);
        }
        this.trie = trie;
        this.exits = exits;
        if (count < all.length) {
            bits = null;
            list = new int[count];
            int at = 0;
            for (int word = 0; word < all.length; word++) {
                for (long left = all[word]; left != 0; left &= left - 1) {
                    list[at++] = 64 * word + Long.numberOfTrailingZeros(left);
                }
            }
        } else {
            bits = all;
            list = new int[0];
        }
    }

    boolean isEmpty() {
        return bits == null && list.length == 0;
    }

    /** What it takes. */
    long bytes() {
        return 200 + 8L * (bits == null ? 0 : bits.length) + 4L * (list.length + exits.length);
    }

    void addTo(long[] mask) {
        if (bits != null) {
            for (int i = 0; i < mask.length; i++) {
                mask[i] |= bits[i];
            }
        }
        for (int token : list) {
            mask[token >> 6] |= 1L << token;
        }
    }
}
