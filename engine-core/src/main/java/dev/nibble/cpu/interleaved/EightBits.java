package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.GROUP;
import static dev.nibble.cpu.interleaved.Shorts.HALF;
import static dev.nibble.cpu.interleaved.Shorts.load;
import static dev.nibble.cpu.interleaved.Shorts.pair;

import dev.nibble.cpu.vector.Lanes;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/** Q8_0. Unit u of a block has the elements 2u and 2u + 1; two products fit 16 bits: 2 · 128 · 127 &lt; 2^15. */
final class EightBits extends BlockLayout {
    private static final int UNITS = 16;
    private static final int UNIT = 2 * GROUP;

    EightBits() {
        super(2, 34, false, 0, Order.NATURAL);
    }

    @Override
    void packQuants(short[] in, int at, int lane, short[] out, int to) {
        packUnits(in, at, UNITS, lane, out, to);
    }

    /** Sums of 32 bits, one a block, rows in order. */
    @Override
    void sums(Piece p) {
        sums(p.data, p.quantsAt, p.columns / 2, p.x.ordered(order()), p.orderedAt, p.wideSums);
    }

    private static void sums(MemorySegment data, long at, int units, int[] a, int from, int[] sums) {
        if (data.getClass() != Shorts.OFF_HEAP) {
            throw new IllegalArgumentException("the weights are not off-heap");
        }
        IntVector even = IntVector.zero(Lanes.I);
        IntVector odd = even;
        for (int i = 0; i < units; i++) {
            ShortVector q = load(data, at + i * UNIT);
            IntVector pairs = low(q).mul(pair(a[from + 2 * i]))
                    .add(high(q).mul(pair(a[from + 2 * i + 1])))
                    .reinterpretAsInts();
            even = Shorts.even(pairs).add(even);
            odd = Shorts.odd(pairs).add(odd);
            if ((i & 15) == 15) {
                even.intoArray(sums, (i >> 4) * GROUP);
                odd.intoArray(sums, (i >> 4) * GROUP + HALF);
                even = IntVector.zero(Lanes.I);
                odd = even;
            }
        }
    }

    private static ShortVector low(ShortVector q) {
        return q.lanewise(VectorOperators.LSHL, 8).lanewise(VectorOperators.ASHR, 8);
    }

    private static ShortVector high(ShortVector q) {
        return q.lanewise(VectorOperators.ASHR, 8);
    }

    @Override
    void unpack(Piece p) {
        unpack(p.data, p.quantsAt, p.columns, p.quants, p.quantsTo());
    }

    private static void unpack(MemorySegment data, long at, int columns, short[] out, int outAt) {
        if (data.getClass() != Shorts.OFF_HEAP) {
            throw new IllegalArgumentException("the weights are not off-heap");
        }
        for (int i = 0; i < columns / 2; i++) {
            ShortVector q = load(data, at + i * UNIT);
            low(q).intoArray(out, outAt + 2 * i * GROUP);
            high(q).intoArray(out, outAt + (2 * i + 1) * GROUP);
        }
    }
}
