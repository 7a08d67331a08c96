package dev.nibble.tokenizer;

import java.util.Arrays;

/** A growing list of ints. */
final class IntList {
    private int[] values = new int[16];
    private int size;

    void add(int value) {
        if (size == values.length) {
            values = Arrays.copyOf(values, grown(size));
        }
        values[size++] = value;
    }

    int get(int index) {
        return values[index];
    }

    int size() {
        return size;
    }

    void truncate(int newSize) {
        size = newSize;
    }

    int[] toArray() {
        return Arrays.copyOf(values, size);
    }

    /** A larger capacity, within what an array can have. */
    static int grown(int capacity) {
        return (int) Math.min(Integer.MAX_VALUE - 16L, capacity + (capacity >> 1) + 16L);
    }
}
