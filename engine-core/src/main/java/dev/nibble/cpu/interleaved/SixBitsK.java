package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.GROUP;
import static dev.nibble.cpu.interleaved.Shorts.load;

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
        super(8, BLOCK / 2, 210, HIGH_UNITS + LOW_UNITS, false, 0);
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
        BytePairs.sums(this, JOIN, slotColumns(), CENTER, p);
    }

    @Override
    void unpack(Piece p) {
        BytePairs.unpack(JOIN, CENTER, p);
    }

    private static void join(Piece p) {
        join(p.data, p.quantsAt, p.columns / 4, p.bytePairs);
    }

    /** The low units in the order they lie in: runs of 8, behind 4 high units. */
    private static void join(MemorySegment data, long at, int units, short[] out) {
        for (int i = 0; i < units; i++) {
            long run = at + (i >> 3) * RUN_UNITS * UNIT;
            ShortVector q = load(data, run + (4 + (i & 7)) * UNIT);
            // of each byte, bits 0 and 1 for the low nibbles, bits 4 and 5 for the high ones
            ShortVector bits = load(data, run + (i & 3) * UNIT).lanewise(VectorOperators.LSHR, 2 * (i >> 2 & 1));
            // of 32 columns, that of the low nibbles; that of the high nibbles is two further
            int block = (i >> 5) * 4 + (i >> 2 & 1);
            int to = (block * BLOCK / 2 + 4 * (i >> 3 & 3) + (i & 3)) * GROUP;
            q.and(BytePairs.NIBBLES)
                    .or(bits.lanewise(VectorOperators.LSHL, 4).and(HIGH_BITS))
                    .intoArray(out, to);
            q.lanewise(VectorOperators.LSHR, 4)
                    .and(BytePairs.NIBBLES)
                    .or(bits.and(HIGH_BITS))
                    .intoArray(out, to + BLOCK * GROUP);
        }
    }
}
