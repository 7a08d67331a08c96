package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.GROUP;
import static dev.nibble.cpu.interleaved.Shorts.NIBBLE;
import static dev.nibble.cpu.interleaved.Shorts.load;
import static dev.nibble.cpu.interleaved.Shorts.pair;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Q4_0 and Q4_1. Unit u of a block has the bytes 2u and 2u + 1: the elements 2u, 2u + 16, 2u + 1 and 2u + 17 from the low
 * bits up.
 *
 * <p>Centered by 8, the products of a block fit 16 bits: 32 · 8 · 127 &lt; 2^15. Sums may wrap on the way, so they begin
 * with -8 times the sum of the activations and take the quants as they are.
 */
final class FourBits extends BlockLayout {
    static final int CENTER = 8;
    private static final int UNITS = 8;
    private static final int UNIT = 2 * GROUP;

    FourBits(boolean hasMinimum) {
        super(BLOCK, hasMinimum ? 20 : 18, hasMinimum, CENTER, Order.HALVES);
    }

    @Override
    boolean sumsInShorts() {
        return true;
    }

    @Override
    void packQuants(short[] in, int at, int lane, short[] out, int to) {
        packUnits(in, at, UNITS, lane, out, to);
    }

    @Override
    void sums(Piece p) {
        sums(
                p.data,
                p.quantsAt,
                p.columns / BLOCK * UNITS,
                p.x.ordered(order()),
                p.orderedAt,
                p.x.offsets(),
                p.index,
                p.x.stride(),
                p.sums);
    }

    private static void sums(
            MemorySegment data,
            long at,
            int units,
            int[] a,
            int from,
            int[] offsets,
            int index,
            int stride,
            short[] sums) {
        if (data.getClass() != Shorts.OFF_HEAP) {
            throw new IllegalArgumentException("the weights are not off-heap");
        }
        ShortVector low = pair(offsets[index]);
        ShortVector high = ShortVector.zero(Shorts.S);
        for (int i = 0; i < units; i++) {
            ShortVector q = load(data, at + i * UNIT);
            low = q.and(NIBBLE).mul(pair(a[from + 4 * i])).add(low);
            high = q.lanewise(VectorOperators.LSHR, 4)
                    .and(NIBBLE)
                    .mul(pair(a[from + 4 * i + 1]))
                    .add(high);
            low = q.lanewise(VectorOperators.LSHR, 8)
                    .and(NIBBLE)
                    .mul(pair(a[from + 4 * i + 2]))
                    .add(low);
            high = q.lanewise(VectorOperators.LSHR, 12)
                    .mul(pair(a[from + 4 * i + 3]))
                    .add(high);
            if ((i & 7) == 7) {
                low.add(high).intoArray(sums, (i >> 3) * GROUP);
                int next = i + 1 < units ? index + (i + 1 >> 3) * stride : index;
                low = pair(offsets[next]);
                high = ShortVector.zero(Shorts.S);
            }
        }
    }

    @Override
    void unpack(Piece p) {
        unpack(p.data, p.quantsAt, p.columns, p.quants, p.quantsTo());
    }

    private static void unpack(MemorySegment data, long at, int columns, short[] out, int outAt) {
        if (data.getClass() != Shorts.OFF_HEAP) {
            throw new IllegalArgumentException("the weights are not off-heap");
        }
        for (int i = 0; i < columns / BLOCK * UNITS; i++) {
            ShortVector q = load(data, at + i * UNIT);
            int to = outAt + ((i >> 3) * BLOCK + 2 * (i & 7)) * GROUP;
            q.and(NIBBLE).sub((short) CENTER).intoArray(out, to);
            q.lanewise(VectorOperators.LSHR, 4).and(NIBBLE).sub((short) CENTER).intoArray(out, to + 16 * GROUP);
            q.lanewise(VectorOperators.LSHR, 8).and(NIBBLE).sub((short) CENTER).intoArray(out, to + GROUP);
            q.lanewise(VectorOperators.LSHR, 12).sub((short) CENTER).intoArray(out, to + 17 * GROUP);
        }
    }
}
