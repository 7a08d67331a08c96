package dev.nibble.cpu.vector;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;

/** Spreads the fifth bits of Q5_0 and Q5_1, one each in the low 16 bits of an int, over 16 elements. */
final class FifthBits {
    private static final VectorShuffle<Byte> TWO_BYTES = VectorShuffle.fromOp(Lanes.B, i -> i / 8);
    private static final ByteVector BITS =
            ByteVector.fromArray(Lanes.B, new byte[] {1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16, 32, 64, -128}, 0);

    private static final ByteVector SIXTEEN = ByteVector.broadcast(Lanes.B, 16);

    private FifthBits() {}

    /** The elements whose bit is not set. */
    private static VectorMask<Byte> unset(int bits) {
        return ShortVector.broadcast(ShortVector.SPECIES_128, (short) bits)
                .reinterpretAsBytes()
                .rearrange(TWO_BYTES)
                .and(BITS)
                .compare(VectorOperators.EQ, 0);
    }

    /** Elements from 0 to 31. */
    static ByteVector unsigned(ByteVector low, int bits) {
        return low.or(SIXTEEN).lanewise(VectorOperators.SUB, SIXTEEN, unset(bits));
    }

    /** Elements from -16 to 15. */
    static ByteVector signed(ByteVector low, int bits) {
        return low.lanewise(VectorOperators.SUB, SIXTEEN, unset(bits));
    }
}
