package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.GROUP;
import static dev.nibble.cpu.interleaved.Shorts.load;
import static dev.nibble.cpu.interleaved.Shorts.pair;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Q5_K. Low units as in {@link FourBitsK}, 16 for each pair of sub-blocks; fifth unit u has in bit 2p and bit 2p + 1 of
 * either byte the fifth bits of low unit u of pair p. Eight fifth units are followed by the low units of the same numbers
 * of all pairs, so that memory is read in order:
 *
 * <pre>
 * fifth 0..7 | low 0..7 of pair 0 | of pair 1 | of pair 2 | of pair 3 | fifth 8..15 | ...
 * </pre>
 *
 * <p>Sums in 16 bits as in {@link FiveBits}.
 */
final class FiveBitsK extends SuperBlockLayout {
    private static final int CENTER = FiveBits.CENTER;
    private static final Step JOIN = FiveBitsK::join;
    private static final int UNIT = 2 * GROUP;
    // shorts of a block
    private static final int SCALES = 2;
    private static final int FIFTH = 8;
    private static final int FIFTH_UNITS = 16;
    private static final int LOW = 24;
    private static final int LOW_UNITS = 64;
    private static final int RUNS = 2;
    private static final int RUN_UNITS = (FIFTH_UNITS + LOW_UNITS) / RUNS;

    FiveBitsK() {
        super(BLOCK / 2, BLOCK, 176, FIFTH_UNITS + LOW_UNITS, true, CENTER, Order.FIVE_BITS_K);
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
        for (int run = 0; run < RUNS; run++) {
            int runAt = to + run * RUN_UNITS * GROUP;
            packUnits(in, at + FIFTH + 8 * run, 8, lane, out, runAt);
            for (int pair = 0; pair < 4; pair++) {
                packUnits(in, at + LOW + 16 * pair + 8 * run, 8, lane, out, runAt + 8 * (1 + pair) * GROUP);
            }
        }
    }

    @Override
    void sums(Piece p) {
        sums(
                p.data,
                p.quantsAt,
                p.columns / 4,
                p.x.ordered(order()),
                p.orderedAt,
                p.x.eighths(),
                p.index,
                p.x.stride(),
                p.sums);
    }

    /** The low units in the order they lie in: runs of 8, four of them behind 8 fifth units. */
    private static void sums(
            MemorySegment data,
            long at,
            int units,
            int[] a,
            int from,
            int[] eighths,
            int index,
            int stride,
            short[] sums) {
        if (data.getClass() != Shorts.OFF_HEAP) {
            throw new IllegalArgumentException("the weights are not off-heap");
        }
        ShortVector low = pair(FifthBits.begin(eighths, 4 * index));
        ShortVector high = pair(FifthBits.begin(eighths, 4 * (index + stride)));
        long fifthAt = at;
        long lowAt = at + 8 * UNIT;
        int shift = 0;
        for (int i = 0; i < units; i++) {
            ShortVector q = load(data, lowAt);
            ShortVector fifth = load(data, fifthAt).lanewise(VectorOperators.LSHR, shift);
            ShortVector bytes = FifthBits.low(q, fifth);
            low = bytes.and(BytePairs.BYTE).mul(pair(a[from + 4 * i])).add(low);
            low = bytes.lanewise(VectorOperators.LSHR, 8)
                    .mul(pair(a[from + 4 * i + 1]))
                    .add(low);
            bytes = FifthBits.high(q, fifth);
            high = bytes.and(BytePairs.BYTE).mul(pair(a[from + 4 * i + 2])).add(high);
            high = bytes.lanewise(VectorOperators.LSHR, 8)
                    .mul(pair(a[from + 4 * i + 3]))
                    .add(high);
            lowAt += UNIT;
            fifthAt += UNIT;
            if ((i & 7) == 7) {
                int slot = slot(i);
                low.intoArray(sums, slot * GROUP);
                high.intoArray(sums, (slot + 2) * GROUP);
                int next = i + 1 < units ? i + 1 : 0;
                int block = index + (slot(next) >> 1) * stride;
                int half = slot(next) & 1;
                low = pair(FifthBits.begin(eighths, 4 * block + 2 * half));
                high = pair(FifthBits.begin(eighths, 4 * (block + stride) + 2 * half));
                fifthAt = at + (next >> 5) * RUN_UNITS * UNIT;
                lowAt = fifthAt + (8 + (next & 31)) * UNIT;
                shift = 2 * (next >> 3 & 3);
            }
        }
    }

    /** The slot of the low nibbles of the low unit that comes i-th; that of the high nibbles is two further. */
    static int slot(int i) {
        return 2 * ((i >> 6) * 8 + 2 * (i >> 3 & 3)) + (i >> 5 & 1);
    }

    @Override
    void unpack(Piece p) {
        BytePairs.unpack(JOIN, CENTER, p);
    }

    private static void join(Piece p) {
        join(p.data, p.quantsAt, p.columns / 4, p.bytePairs);
    }

    private static void join(MemorySegment data, long at, int units, short[] out) {
        if (data.getClass() != Shorts.OFF_HEAP) {
            throw new IllegalArgumentException("the weights are not off-heap");
        }
        for (int i = 0; i < units; i++) {
            long run = at + (i >> 5) * RUN_UNITS * UNIT;
            ShortVector q = load(data, run + (8 + (i & 31)) * UNIT);
            ShortVector fifth = load(data, run + (i & 7) * UNIT).lanewise(VectorOperators.LSHR, 2 * (i >> 3 & 3));
            int to = (slot(i) * 8 + (i & 7)) * GROUP;
            FifthBits.low(q, fifth).intoArray(out, to);
            FifthBits.high(q, fifth).intoArray(out, to + BLOCK / 2 * GROUP);
        }
    }
}
