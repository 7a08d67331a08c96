package dev.nibble.cpu.interleaved;

import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Puts fifth bits on nibbles, two bytes of a lane at a time. Bits 0 and 8 of {@code fifth} go to the low nibbles, bits 1
 * and 9 to the high ones.
 */
final class FifthBits {
    private static final ShortVector FIFTH = ShortVector.broadcast(Shorts.S, 0x1010);

    private FifthBits() {}

    /** Where a sum over 16 columns begins, as the quants are not centered. */
    static int begin(int[] eighths, int at) {
        return Shorts.pairOf(-FiveBits.CENTER * (eighths[at] + eighths[at + 1]));
    }

    static ShortVector low(ShortVector q, ShortVector fifth) {
        return q.and(BytePairs.NIBBLES)
                .or(fifth.lanewise(VectorOperators.LSHL, 4).and(FIFTH));
    }

    static ShortVector high(ShortVector q, ShortVector fifth) {
        return q.lanewise(VectorOperators.LSHR, 4)
                .and(BytePairs.NIBBLES)
                .or(fifth.lanewise(VectorOperators.LSHL, 3).and(FIFTH));
    }
}
