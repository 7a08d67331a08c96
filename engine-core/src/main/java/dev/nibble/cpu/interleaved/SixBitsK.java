package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.GROUP;
import static dev.nibble.cpu.interleaved.Shorts.load;
import static dev.nibble.cpu.interleaved.Shorts.pair;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Q6_K. In half h of a super-block, low unit u (0 to 31) has the elements 2u and 2u + 1 (low nibbles) and 2u + 64 and
 * 2u + 65 (high nibbles); their high bits are in high unit u mod 16, from bit 2 · (u / 16) and bit 4 + 2 · (u / 16) of each
 * byte on. Four high units are followed by the low units of the same numbers and by those 16 further, so that memory is
 * read in order:
 *
 * <pre>
 * high 0..3 | low 0..3 | low 16..19 | high 4..7 | low 4..7 | low 20..23 | ...
 * </pre>
 *
 * <p>Centered by 32, the products of 8 elements fit 16 bits: 8 · 32 · 127 &lt; 2^15.
 */
final class SixBitsK extends SuperBlockLayout {
    private static final int CENTER = 32;
    private static final Step JOIN = SixBitsK::join;
    private static final int UNIT = 2 * GROUP;
    // shorts of a block
    private static final int HIGH = 64;
    private static final int HIGH_UNITS = 32;
    private static final int LOW_UNITS = 64;
    private static final int SCALES = 96;
    private static final int SCALE = 104;
    private static final int RUNS = 8;
    private static final int RUN_UNITS = (HIGH_UNITS + LOW_UNITS) / RUNS;
    private static final ShortVector HIGH_BITS = ShortVector.broadcast(Shorts.S, 0x3030);

    SixBitsK() {
        super(8, BLOCK / 2, 210, HIGH_UNITS + LOW_UNITS, false, CENTER, Order.SIX_BITS_K);
    }

    @Override
    int scaleAt() {
        return SCALE;
    }

    @Override
    void packScales(short[] in, int at, int row, short[] out, int to) {
        for (int j = 0; j < 16; j++) {
            putByte(out, to + j * GROUP / 2, row, in[at + SCALES + j / 2] >> 8 * (j & 1));
        }
    }

    @Override
    void packQuants(short[] in, int at, int lane, short[] out, int to) {
        for (int run = 0; run < RUNS; run++) {
            int half = run >> 2;
            int unit = 4 * (run & 3);
            int runAt = to + run * RUN_UNITS * GROUP;
            packUnits(in, at + HIGH + 16 * half + unit, 4, lane, out, runAt);
            packUnits(in, at + 32 * half + unit, 4, lane, out, runAt + 4 * GROUP);
            packUnits(in, at + 32 * half + 16 + unit, 4, lane, out, runAt + 8 * GROUP);
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

    /** The low units in the order they lie in: runs of 8, behind 4 high units. */
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
        ShortVector low = pair(begin(eighths, 4 * index));
        ShortVector high = pair(begin(eighths, 4 * (index + 2 * stride)));
        long highAt = at;
        long lowAt = at + 4 * UNIT;
        int shift = 0;
        for (int i = 0; i < units; i++) {
            ShortVector q = load(data, lowAt);
            ShortVector bits = load(data, highAt).lanewise(VectorOperators.LSHR, shift);
            ShortVector bytes = low(q, bits);
            low = bytes.and(BytePairs.BYTE).mul(pair(a[from + 4 * i])).add(low);
            low = bytes.lanewise(VectorOperators.LSHR, 8)
                    .mul(pair(a[from + 4 * i + 1]))
                    .add(low);
            bytes = high(q, bits);
            high = bytes.and(BytePairs.BYTE).mul(pair(a[from + 4 * i + 2])).add(high);
            high = bytes.lanewise(VectorOperators.LSHR, 8)
                    .mul(pair(a[from + 4 * i + 3]))
                    .add(high);
            lowAt += UNIT;
            highAt += UNIT;
            if ((i & 3) == 3) {
                int slot = slot(i);
                low.intoArray(sums, slot * GROUP);
                high.intoArray(sums, (slot + 8) * GROUP);
                int next = i + 1 < units ? i + 1 : 0;
                int block = index + (slot(next) >> 2) * stride;
                int eighth = slot(next) & 3;
                low = pair(begin(eighths, 4 * block + eighth));
                high = pair(begin(eighths, 4 * (block + 2 * stride) + eighth));
                highAt = at + (next >> 3) * RUN_UNITS * UNIT;
                lowAt = highAt + (4 + (next & 7)) * UNIT;
                shift = 2 * (next >> 2 & 1);
            }
        }
    }

    /** The slot of the low nibbles of the low unit that comes i-th; that of the high nibbles is 8 further. */
    static int slot(int i) {
        return 4 * ((i >> 5) * 4 + (i >> 2 & 1)) + (i >> 3 & 3);
    }

    private static int begin(int[] eighths, int at) {
        return Shorts.pairOf(-CENTER * eighths[at]);
    }

    private static ShortVector low(ShortVector q, ShortVector bits) {
        return q.and(BytePairs.NIBBLES)
                .or(bits.lanewise(VectorOperators.LSHL, 4).and(HIGH_BITS));
    }

    private static ShortVector high(ShortVector q, ShortVector bits) {
        return q.lanewise(VectorOperators.LSHR, 4).and(BytePairs.NIBBLES).or(bits.and(HIGH_BITS));
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
            long run = at + (i >> 3) * RUN_UNITS * UNIT;
            ShortVector q = load(data, run + (4 + (i & 7)) * UNIT);
            // of each byte, bits 0 and 1 for the low nibbles, bits 4 and 5 for the high ones
            ShortVector bits = load(data, run + (i & 3) * UNIT).lanewise(VectorOperators.LSHR, 2 * (i >> 2 & 1));
            int to = (slot(i) * 4 + (i & 3)) * GROUP;
            low(q, bits).intoArray(out, to);
            high(q, bits).intoArray(out, to + BLOCK * GROUP);
        }
    }
}
