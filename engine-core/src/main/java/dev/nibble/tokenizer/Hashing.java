package dev.nibble.tokenizer;

import java.util.SplittableRandom;

/** Hash functions with a multiplier drawn at start-up, so that no file can be made to collide. */
final class Hashing {
    private static final int MAX_TABLE = 1 << 30;
    private static final long MULTIPLIER = new SplittableRandom().nextLong() | 1;

    private Hashing() {}

    static int mix(long key) {
        long product = (key ^ (key >>> 31)) * MULTIPLIER;
        return (int) ((product ^ (product >>> 29)) * MULTIPLIER >>> 33);
    }

    static int hash(byte[] bytes, int from, int to) {
        long hash = (long) to - from;
        for (int i = from; i < to; i++) {
            hash = (hash + bytes[i]) * MULTIPLIER;
            hash ^= hash >>> 32;
        }
        return (int) (hash * MULTIPLIER >>> 33);
    }

    /** A power of two that holds {@code entries} at most half full. */
    static int tableSize(int entries) {
        return Math.min(MAX_TABLE, Integer.highestOneBit(Math.max(8, Math.min(entries, MAX_TABLE / 4))) * 4);
    }
}
