package dev.nibble.tokenizer;

import java.util.Arrays;

/** A binary min-heap of longs. */
final class LongHeap {
    private long[] values = new long[64];
    private int size;

    boolean isEmpty() {
        return size == 0;
    }

    void clear() {
        size = 0;
    }

    /** Adds {@code (priority, value)}; the lower priority comes first, then the lower value, which is not negative. */
    void add(int priority, int value) {
        add((long) priority << 32 | value);
    }

    static int priority(long entry) {
        return (int) (entry >> 32);
    }

    static int value(long entry) {
        return (int) entry;
    }

    private void add(long entry) {
        if (size == values.length) {
            values = Arrays.copyOf(values, IntList.grown(size));
        }
        int hole = size++;
        while (hole > 0) {
            int parent = (hole - 1) >>> 1;
            if (values[parent] <= entry) {
                break;
            }
            values[hole] = values[parent];
            hole = parent;
        }
        values[hole] = entry;
    }

    long removeFirst() {
        long first = values[0];
        long last = values[--size];
        int hole = 0;
        for (int child = 1; child < size; child = 2 * hole + 1) {
            if (child + 1 < size && values[child + 1] < values[child]) {
                child++;
            }
            if (last <= values[child]) {
                break;
            }
            values[hole] = values[child];
            hole = child;
        }
        values[hole] = last;
        return first;
    }
}
