package dev.nibble.generate;

import java.util.Arrays;

/**
 * Guesses that a text goes on as it did where its last tokens stood before: the longest such place, the last one among equals. Texts
 * that are edited, quoted or summed up repeat much of their prompt, and so do source code and JSON.
 *
 * <p>Each pair of tokens is in a chain of those with the same hash, the last one first.
 */
final class LookupDrafter implements Drafter {
    /** Tokens that have to be the same; of more than so many no difference is made. */
    private static final int LEAST = 2;

    private static final int LONGEST = LEAST + KINDS - 1;

    /** Places that are compared at the most. */
    private static final int TRIES = 32;

    private static final int NONE = -1;

    private int[] last = {};
    /** By place of a pair's second token: the place before with the same hash. */
    private int[] before = {};

    /** Pairs whose second token is before that place are in the chains. */
    private int indexed = 1;

    private int kind;

    @Override
    public int propose(int[] tokens, int count, int[] guesses, int most, Cancellation cancellation) {
        if (count < LEAST) {
            return 0;
        }
        index(tokens, count - 1); // all pairs but the last one
        int best = NONE;
        int longest = LEAST - 1;
        int place = last[slot(tokens, count - 1)];
        for (int tries = 0; place != NONE && tries < TRIES && longest < LONGEST; tries++) {
            int length = common(tokens, place, count - 1);
            if (length > longest) {
                longest = length;
                best = place;
            }
            place = before[place];
        }
        if (best == NONE) {
            return 0;
        }
        kind = longest - LEAST;
        for (int i = 0; i < most; i++) {
            int from = best + 1 + i; // behind the end it goes on with what is guessed
            guesses[i] = from < count ? tokens[from] : guesses[from - count];
        }
        return most;
    }

    /** How many tokens are the same before two places, these included. */
    private static int common(int[] tokens, int earlier, int later) {
        int length = 0;
        while (length < LONGEST && length <= earlier && tokens[earlier - length] == tokens[later - length]) {
            length++;
        }
        return length;
    }

    private void index(int[] tokens, int end) {
        if (end > before.length) {
            int size = Integer.highestOneBit(Math.max(end, 128)) << 1;
            last = new int[size];
            before = new int[size];
            Arrays.fill(last, NONE);
            indexed = 1;
        }
        for (; indexed < end; indexed++) {
            int slot = slot(tokens, indexed);
            before[indexed] = last[slot];
            last[slot] = indexed;
        }
    }

    private int slot(int[] tokens, int second) {
        int hash = (tokens[second - 1] * 0x9E3779B1 + tokens[second]) * 0x85EBCA77;
        return (hash ^ hash >>> 15) & (last.length - 1);
    }

    @Override
    public int kind() {
        return kind;
    }

    @Override
    public double expected(int ofKind) {
        return Math.min(0.9, 0.3 + 0.15 * ofKind);
    }

    @Override
    public boolean isCostly() {
        return false;
    }

    @Override
    public double nanosEach() {
        return 0;
    }
}
