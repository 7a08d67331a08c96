package dev.nibble.tokenizer;

import java.util.Arrays;

/** A hash map from non-negative longs to non-negative ints. */
final class LongIntMap {
    static final int NONE = -1;

    private long[] keys;
    private int[] values;
    private int size;

    LongIntMap(int expected) {
        int capacity = Hashing.tableSize(expected);
        keys = new long[capacity];
        values = new int[capacity];
        Arrays.fill(values, NONE);
    }

    int get(long key) {
        return values[slot(key)];
    }

    /** Maps {@code key} to {@code value} unless it is mapped already. */
    void putIfAbsent(long key, int value) {
        int slot = slot(key);
        if (values[slot] == NONE) {
            keys[slot] = key;
            values[slot] = value;
            if (++size > keys.length / 2) {
                grow();
            }
        }
    }

    private int slot(long key) {
        int mask = keys.length - 1;
        int slot = Hashing.mix(key) & mask;
        while (values[slot] != NONE && keys[slot] != key) {
            slot = (slot + 1) & mask;
        }
        return slot;
    }

    private void grow() {
        long[] oldKeys = keys;
        int[] oldValues = values;
        keys = new long[Hashing.tableSize(oldKeys.length)];
        values = new int[keys.length];
        Arrays.fill(values, NONE);
        for (int i = 0; i < oldKeys.length; i++) {
            if (oldValues[i] != NONE) {
                int slot = slot(oldKeys[i]);
                keys[slot] = oldKeys[i];
                values[slot] = oldValues[i];
            }
        }
    }
}
