package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.GROUP;
import static dev.nibble.cpu.interleaved.Shorts.NIBBLE;
import static dev.nibble.cpu.interleaved.Shorts.load;
import static dev.nibble.cpu.interleaved.Shorts.pair;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Q4_K. 16 units serve two sub-blocks of 32: unit u of pair p has the elements 2u and 2u + 1 of both, the low nibbles those
 * of sub-block 2p. Sums in 16 bits as in {@link FourBits}.
 */
final class FourBitsK extends SuperBlockLayout {
    private static final int CENTER = FourBits.CENTER;
    private static final int UNIT = 2 * GROUP;
    // shorts of a block
    private static final int SCALES = 2;
    private static final int QUANTS = 8;

    FourBitsK() {
        super(BLOCK, BLOCK, 144, 64, true, CENTER, Order.PAIRS);
    }

    @Override
    boolean sumsInShorts() {
        return true;
    }

    @Override
    int scaleAt() {
        return 0;
    }

    @Override
    void packScales(short[] in, int at, int row, short[] out, int to) {
        packSixBits(in, at + SCALES, row, out, to);
    }

    @Override
    void packQuants(short[] in, int at, int lane, short[] out, int to) {
        packUnits(in, at + QUANTS, 64, lane, out, to);
    }

    @Override
    void sums(Piece p) {
        sums(
                p.data,
                p.quantsAt,
                p.columns / 4,
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
        ShortVector high = pair(offsets[index + stride]);
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
            if ((i & 15) == 15) {
                low.intoArray(sums, (i >> 4) * 2 * GROUP);
                high.intoArray(sums, ((i >> 4) * 2 + 1) * GROUP);
                int next = i + 1 < units ? index + (i + 1 >> 4) * 2 * stride : index;
                low = pair(offsets[next]);
                high = pair(offsets[next + stride]);
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
        for (int i = 0; i < columns / 4; i++) {
            ShortVector q = load(data, at + i * UNIT);
            int to = outAt + ((i >> 4) * 2 * BLOCK + 2 * (i & 15)) * GROUP;
            q.and(NIBBLE).sub((short) CENTER).intoArray(out, to);
            q.lanewise(VectorOperators.LSHR, 4).and(NIBBLE).sub((short) CENTER).intoArray(out, to + BLOCK * GROUP);
            q.lanewise(VectorOperators.LSHR, 8).and(NIBBLE).sub((short) CENTER).intoArray(out, to + GROUP);
            q.lanewise(VectorOperators.LSHR, 12).sub((short) CENTER).intoArray(out, to + (BLOCK + 1) * GROUP);
        }
    }
}
