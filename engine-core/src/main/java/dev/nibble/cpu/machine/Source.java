package dev.nibble.cpu.machine;

/**
 * Where the quants of a type lie in a block of its file: four neighbouring columns, a part, have their bits at one place in
 * each of four neighbouring bytes.
 *
 * @param blocks of 32 columns in a block of the file
 * @param low the low bits of {@link Quants}
 * @param high the high bits; equal to low if there are none
 * @param flip bits that are turned in each byte
 */
record Source(int blocks, Place low, Place high, int flip) {
    /** The place of a part. */
    @FunctionalInterface
    interface Place {
        /** The byte where it begins, times 8, plus the lowest of its bits in each byte. */
        int bit(int block, int part);
    }

    /** From a byte on 16 bytes for each block: the first half of it in the low nibbles. */
    static Source halves(int blocks, int from) {
        return of(blocks, (block, part) -> 8 * (from + 16 * block + 4 * (part % 4)) + part / 4 * 4);
    }

    static Source q8() {
        Place place = (block, part) -> 8 * (2 + 4 * part);
        return new Source(1, place, place, 0x80);
    }

    static Source q4k() {
        return of(8, (block, part) -> nibblesOfTwo(16, block, part));
    }

    static Source q5k() {
        return new Source(
                8, (block, part) -> nibblesOfTwo(48, block, part), (block, part) -> 8 * (16 + 4 * part) + block, 0);
    }

    /** 32 bytes for two blocks, the first in the low nibbles. */
    private static int nibblesOfTwo(int from, int block, int part) {
        return 8 * (from + block / 2 * 32 + 4 * part) + block % 2 * 4;
    }

    static Source q6k() {
        return new Source(
                8,
                (block, part) -> 8 * (block / 4 * 64 + block % 2 * 32 + 4 * part) + block % 4 / 2 * 4,
                (block, part) -> pairsOfFour(128, block, part),
                0);
    }

    static Source q2k() {
        return of(8, (block, part) -> pairsOfFour(16, block, part));
    }

    static Source q3k() {
        return new Source(8, (block, part) -> pairsOfFour(32, block, part), (block, part) -> 8 * (4 * part) + block, 0);
    }

    /** 32 bytes for four blocks, the first in the lowest bits. */
    private static int pairsOfFour(int from, int block, int part) {
        return 8 * (from + block / 4 * 32 + 4 * part) + block % 4 * 2;
    }

    private static Source of(int blocks, Place low) {
        return new Source(blocks, low, low, 0);
    }
}
