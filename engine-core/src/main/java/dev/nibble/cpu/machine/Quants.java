package dev.nibble.cpu.machine;

/**
 * How the quants of a block lie: 16 rows, 32 columns. A line has an int for each row, and the four bytes of an int belong to
 * four neighbouring columns, a part of the block: what an instruction multiplies by four activations and sums.
 *
 * <pre>
 * 8 bits           line p: part p
 * 4 low bits       line l: part l in the low nibbles, part l + 4 in the high ones
 * 2 bits           line l: part 4 l + f in bits 2 f and on of each byte
 * 1 high bit       one line: part p in bit p of each byte
 * </pre>
 */
enum Quants {
    EIGHT(8, 0),
    FOUR(4, 0),
    FIVE(4, 1),
    SIX(4, 2),
    TWO(2, 0),
    THREE(2, 1);

    /** Parts of a block. */
    static final int PARTS = 8;

    /** Bytes of a line. */
    static final int LINE = 64;

    private static final int ONE_IN_BYTES = 0x01010101;

    /** Low bits of a quant. */
    final int low;

    /** High bits of a quant, which lie in lines behind those with the low ones. */
    final int high;

    Quants(int low, int high) {
        this.low = low;
        this.high = high;
    }

    int bits() {
        return low + high;
    }

    int lowLines() {
        return low;
    }

    int lines() {
        return low + high;
    }

    int bytes() {
        return lines() * LINE;
    }

    /** The low line that has a part. */
    int lowLine(int part) {
        return low == 2 ? part / 4 : part % low;
    }

    /** From which bit on. */
    int lowShift(int part) {
        return low == 2 ? part % 4 * 2 : part / low * low;
    }

    /** The high line, counted from the first of them, that has a part. */
    int highLine(int part) {
        return high == 2 ? part / 4 : 0;
    }

    int highShift(int part) {
        return high == 2 ? part % 4 * 2 : part;
    }

    /** The low bits of a quant in each byte. */
    int lowMask() {
        return ((1 << low) - 1) * ONE_IN_BYTES;
    }

    /** The high bits of a quant in each byte, where they stand in it. */
    int highMask() {
        return ((1 << high) - 1 << low) * ONE_IN_BYTES;
    }
}
