package dev.nibble.constraint;

import java.util.Arrays;

/** A partition of the bytes into classes, made finer step by step. */
final class ByteClasses {
    private static final int SLOTS = 1024;

    private final int[] classes = new int[256];
    private final int[] labels = new int[256];
    /** [slots], a class and a label that were met together, and the class that they make; 0 for none. */
    private final long[] met = new long[SLOTS];

    private final int[] made = new int[SLOTS];
    private int count = 1;

    /** Splits each class into its bytes in the set and those outside. */
    void split(ByteSet set) {
        for (int b = 0; b < 256; b++) {
            labels[b] = set.contains(b) ? 1 : 0;
        }
        split(labels);
    }

    /** Splits each class into bytes with the same label. */
    void split(int[] labelOf) {
        Arrays.fill(met, 0);
        int finer = 0;
        for (int b = 0; b < 256; b++) {
            long pair = (long) (classes[b] + 1) << 32 | labelOf[b] & 0xFFFF_FFFFL;
            int slot = (int) (pair * 0x9E37_79B9_7F4A_7C15L >>> 54);
            while (met[slot] != 0 && met[slot] != pair) {
                slot = slot + 1 & SLOTS - 1;
            }
            if (met[slot] == 0) {
                met[slot] = pair;
                made[slot] = finer++;
            }
            classes[b] = made[slot];
        }
        count = finer;
    }

    /** The class of a byte. */
    int of(int b) {
        return classes[b];
    }

    int count() {
        return count;
    }
}
