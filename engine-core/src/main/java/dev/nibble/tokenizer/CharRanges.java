package dev.nibble.tokenizer;

import java.util.Arrays;

/** A set of characters, given as ranges in ascending order. */
final class CharRanges {
    private final int[] bounds; // first, last, first, last …

    /** @param bounds first and last code point of each range, ascending */
    CharRanges(int... bounds) {
        this.bounds = bounds;
    }

    boolean contains(int c) {
        int found = Arrays.binarySearch(bounds, c);
        return found >= 0 || (-found - 1) % 2 == 1;
    }

    /** The end of the run of characters of this set; spaces do not count, whatever the ranges say. */
    int skip(CodePoints text, int at, int to) {
        while (text.lacks(at, to, CharClass.SPACE) && contains(text.get(at))) {
            at++;
        }
        return at;
    }

    /** {@code [ranges]+}. */
    Splitter isolated() {
        return Splitter.isolating(this::skip);
    }
}
