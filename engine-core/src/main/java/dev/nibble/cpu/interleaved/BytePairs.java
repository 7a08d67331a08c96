package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.GROUP;

import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/** Elements of 5 and 6 bits, put together from their parts: two neighbouring columns in the bytes of a lane. */
final class BytePairs {
    static final ShortVector NIBBLES = ShortVector.broadcast(Shorts.S, 0x0f0f);
    static final ShortVector BYTE = ShortVector.broadcast(Shorts.S, 0xff);

    private BytePairs() {}

    /**
     * Unpacks a piece for a batch.
     *
     * @param join puts elements together in {@link Piece#bytePairs}
     */
    static void unpack(Step join, int center, Piece p) {
        Step.call(join, p);
        unpack(p.bytePairs, p.columns, (short) center, p.quants, p.quantsTo());
    }

    private static void unpack(short[] q, int columns, short center, short[] out, int outAt) {
        for (int k = 0; k < columns; k += 2) {
            ShortVector bytes = ShortVector.fromArray(Shorts.S, q, k / 2 * GROUP);
            bytes.and(BYTE).sub(center).intoArray(out, outAt + k * GROUP);
            bytes.lanewise(VectorOperators.LSHR, 8).sub(center).intoArray(out, outAt + (k + 1) * GROUP);
        }
    }
}
