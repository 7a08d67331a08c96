package dev.nibble.constraint;

import java.util.Arrays;

/** A partition of the bytes into classes, made finer set by set. */
final class ByteClasses {
    private final int[] classes = new int[256];
    private final int[] moved = new int[256];
    private int count = 1;

    /** Splits each class into its bytes in the set and those outside. */
    void split(ByteSet set) {
        Arrays.fill(moved, 0, count, -1);
        int[] sizes = new int[count];
        int[] inside = new int[count];
        for (int b = 0; b < 256; b++) {
            sizes[classes[b]]++;
            inside[classes[b]] += set.contains(b) ? 1 : 0;
        }
        for (int b = 0; b < 256; b++) {
            int old = classes[b];
            if (old < sizes.length && set.contains(b) && inside[old] < sizes[old]) {
                if (moved[old] < 0) {
                    moved[old] = count++;
                }
                classes[b] = moved[old];
            }
        }
    }

    /** The class of a byte. */
    int of(int b) {
        return classes[b];
    }

    int count() {
        return count;
    }
}
