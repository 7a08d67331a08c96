package dev.nibble.cpu.machine;

/**
 * How the scales of a group of 16 rows lie: those of a block of 32 columns behind its quants, those of a super-block of 256
 * before its blocks. A line is one value for each row.
 */
enum Scales {
    /** A line of halves: d. */
    HALF(32, 0, false, false),
    /** Two lines of halves: d, and m, which is added. */
    HALF_AND_MINIMUM(64, 0, false, true),
    /** Two lines of halves, for 16 columns each. */
    HALVES(64, 0, true, false),
    /** A line of bytes: the exponents of powers of two, as floats have them. */
    POWER(16, 0, false, false),
    /** A line of signed bytes; the super-block's of halves: d. */
    BYTE(16, 32, false, false),
    /** Two lines of bytes: scales and minima; the super-block's two of halves: d, and dmin, which is subtracted. */
    BYTE_AND_MINIMUM(32, 64, false, true),
    /** Two lines of signed bytes, for 16 columns each; the super-block's of halves: d. */
    BYTES(32, 32, true, false),
    /** A line of signed bytes; the super-block's of floats. */
    BYTE_OF_FLOAT(16, 64, false, false),
    /** Two lines of signed bytes, for 16 columns each; the super-block's of floats. */
    BYTES_OF_FLOAT(32, 64, true, false),
    /** Two lines of bytes, for 16 columns each: a scale in the low nibble, a minimum in the high one; as above d, dmin. */
    NIBBLES_AND_MINIMA(32, 64, true, true);

    /** Bytes behind the quants of a block. */
    final int blockBytes;

    /** Bytes before the blocks of a super-block; 0 if there are none. */
    final int superBytes;

    /** Whether there is a scale for each 16 columns. */
    final boolean halves;

    final boolean minima;

    Scales(int blockBytes, int superBytes, boolean halves, boolean minima) {
        this.blockBytes = blockBytes;
        this.superBytes = superBytes;
        this.halves = halves;
        this.minima = minima;
    }

    /** Whether those of super-blocks are floats. */
    boolean hasFloats() {
        return this == BYTE_OF_FLOAT || this == BYTES_OF_FLOAT;
    }
}
