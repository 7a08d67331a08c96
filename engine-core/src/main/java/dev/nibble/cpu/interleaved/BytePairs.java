package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.GROUP;
import static dev.nibble.cpu.interleaved.Shorts.pair;

import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Elements of 5 and 6 bits. They are first put together from their parts, two neighbouring columns in the bytes of a lane,
 * in the L1 cache; then multiplied.
 */
final class BytePairs {
    static final ShortVector NIBBLES = ShortVector.broadcast(Shorts.S, 0x0f0f);
    private static final ShortVector BYTE = ShortVector.broadcast(Shorts.S, 0xff);

    private BytePairs() {}

    /**
     * Sums of a piece.
     *
     * @param join puts some columns together in {@link Piece#bytePairs}
     * @param slot columns of a sum, 8 or 16
     */
    static void sums(Layout layout, Step join, int slot, int center, Piece p) {
        long quantsAt = p.quantsAt;
        int columns = p.columns;
        for (int k = 0; k < columns; k += Batch.DEPTH) {
            p.columns = Math.min(Batch.DEPTH, columns - k);
            p.quantsAt = quantsAt + layout.quantBytes(k);
            Step.call(join, p);
            int index = p.index + k / Layout.BLOCK * p.x.stride();
            sums(
                    p.bytePairs,
                    p.columns,
                    slot,
                    center,
                    p.x.pairs(),
                    p.x.eighths(),
                    index,
                    p.x.stride(),
                    p.sums,
                    k / slot * GROUP);
        }
        p.columns = columns;
        p.quantsAt = quantsAt;
    }

    private static void sums(
            short[] q,
            int columns,
            int slot,
            int center,
            int[] a,
            int[] eighths,
            int index,
            int stride,
            short[] sums,
            int sumsAt) {
        ShortVector even = pair(begin(eighths, 4 * index, slot, center));
        ShortVector odd = ShortVector.zero(Shorts.S);
        for (int k = 0; k < columns; k += 4) {
            int at = (index + (k >> 5) * stride) * Layout.BLOCK + (k & 31);
            ShortVector bytes = ShortVector.fromArray(Shorts.S, q, k / 2 * GROUP);
            even = bytes.and(BYTE).mul(pair(a[at])).add(even);
            odd = bytes.lanewise(VectorOperators.LSHR, 8).mul(pair(a[at + 1])).add(odd);
            bytes = ShortVector.fromArray(Shorts.S, q, k / 2 * GROUP + GROUP);
            even = bytes.and(BYTE).mul(pair(a[at + 2])).add(even);
            odd = bytes.lanewise(VectorOperators.LSHR, 8).mul(pair(a[at + 3])).add(odd);
            if ((k + 4 & slot - 1) == 0) {
                even.add(odd).intoArray(sums, sumsAt + k / slot * GROUP);
                int next = k + 4 < columns ? k + 4 : 0;
                int eighth = 4 * (index + (next >> 5) * stride) + (next >> 3 & 3);
                even = pair(begin(eighths, eighth, slot, center));
                odd = ShortVector.zero(Shorts.S);
            }
        }
    }

    /** Where a sum over 8 or 16 columns begins, as the quants are not centered. */
    private static int begin(int[] eighths, int at, int slot, int center) {
        return Shorts.pairOf(-center * (slot == 8 ? eighths[at] : eighths[at] + eighths[at + 1]));
    }

    /** Unpacks a piece for a batch. */
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
