package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.GROUP;
import static dev.nibble.cpu.interleaved.Shorts.LANES;
import static dev.nibble.cpu.interleaved.Shorts.PARTS;
import static dev.nibble.cpu.interleaved.Shorts.VECTOR;
import static dev.nibble.cpu.interleaved.Shorts.load;
import static dev.nibble.cpu.interleaved.Shorts.pair;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * One input row, from weights to a record of each block, which {@link ScaleSums} makes results of: for the types, and for groups
 * of two parts, whose work does not fit one loop, see {@link OneInputLoops512}.
 *
 * <p>A record in {@link RowTask#records} is [sums of a block, GROUP], of centered quants, see {@link UnmaskedFields#begin}, and behind them
 * the block's head as it is in the group.
 */
final class BlockSums {
    private static final int UNIT = Quants.UNIT;

    private static final boolean TWO = PARTS == 2;

    private BlockSums() {}

    /** Types of four fields to a word. */
    static void fields(RowTask p) {
        Fields quants = (Fields) p.layout.quants();
        fields(
                p.data,
                p.at + p.layout.quantsAt(0),
                p.columns / GroupLayout.BLOCK * quants.blockUnits(),
                quants.slotUnits(),
                quants.recordSums(),
                p.layout.headUnits(),
                quants.shift(),
                quants.lastShift(),
                p.factors,
                p.factorsAt,
                p.begins,
                p.beginsAt,
                p.records);
    }

    private static void fields(
            MemorySegment data,
            long at,
            int units,
            int slotUnits,
            int slots,
            int heads,
            int shift,
            int lastShift,
            int[] a,
            int from,
            int[] begins,
            int begin,
            short[] records) {
        ShortVector sum0 = pair(begins[begin]);
        ShortVector sum1 = sum0;
        long next = at;
        int slot = begin;
        int to = 0;
        int left = slotUnits;
        int slotsLeft = slots;
        for (int i = 0; i < units; i++) {
            long here = Shorts.plain(next);
            next += UNIT;
            ShortVector w0 = load(data, here);
            ShortVector w1 = TWO ? load(data, here + VECTOR) : w0;
            ShortVector x = pair(a[from + 4 * i]);
            sum0 = w0.mul(x).add(sum0);
            sum1 = TWO ? w1.mul(x).add(sum1) : sum1;
            w0 = w0.lanewise(VectorOperators.LSHR, shift);
            w1 = TWO ? w1.lanewise(VectorOperators.LSHR, shift) : w1;
            x = pair(a[from + 4 * i + 1]);
            sum0 = w0.mul(x).add(sum0);
            sum1 = TWO ? w1.mul(x).add(sum1) : sum1;
            w0 = w0.lanewise(VectorOperators.LSHR, shift);
            w1 = TWO ? w1.lanewise(VectorOperators.LSHR, shift) : w1;
            x = pair(a[from + 4 * i + 2]);
            sum0 = w0.mul(x).add(sum0);
            sum1 = TWO ? w1.mul(x).add(sum1) : sum1;
            w0 = w0.lanewise(VectorOperators.LSHR, lastShift);
            w1 = TWO ? w1.lanewise(VectorOperators.LSHR, lastShift) : w1;
            x = pair(a[from + 4 * i + 3]);
            sum0 = w0.mul(x).add(sum0);
            sum1 = TWO ? w1.mul(x).add(sum1) : sum1;
            if (--left == 0) {
                left = slotUnits;
                sum0.intoArray(records, to);
                if (TWO) {
                    sum1.intoArray(records, to + LANES);
                }
                to += GROUP;
                slot++;
                sum0 = pair(begins[slot]);
                sum1 = sum0;
                if (--slotsLeft == 0) {
                    slotsLeft = slots;
                    copyUnit(data, here + UNIT, records, to);
                    next += UNIT;
                    to += GROUP;
                    if (heads > 1) {
                        copyUnit(data, here + 2 * UNIT, records, to);
                        next += UNIT;
                        to += GROUP;
                    }
                }
            }
        }
    }

    private static void copyUnit(MemorySegment data, long at, short[] out, int to) {
        load(data, at).intoArray(out, to);
        if (TWO) {
            load(data, at + VECTOR).intoArray(out, to + LANES);
        }
    }
}
