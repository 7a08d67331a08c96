package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.GROUP;
import static dev.nibble.cpu.interleaved.Shorts.HALF;
import static dev.nibble.cpu.interleaved.Shorts.LANES;
import static dev.nibble.cpu.interleaved.Shorts.PARTS;
import static dev.nibble.cpu.interleaved.Shorts.S;
import static dev.nibble.cpu.interleaved.Shorts.VECTOR;
import static dev.nibble.cpu.vector.Lanes.F;
import static dev.nibble.cpu.vector.Lanes.I;
import static dev.nibble.cpu.vector.Lanes.LE;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * One input row and quants of 2 or 3 bits: {@link BlockSums} of a super-block and their {@link ScaleSums}, part by part, since a
 * word has so many fields that two parts are too much for a loop.
 *
 * <p>A record is [sums of two slots, GROUP] and the head of the block. The methods call the Vector API only, as their
 * helpers would not be inlined, see {@link OneInputLoopsNarrow}.
 */
final class SmallQuantSums {
    private static final int UNIT = Quants.UNIT;
    private static final int SUPER_BLOCKS = GroupLayout.SUPER_BLOCKS;
    private static final int RECORD = 3 * GROUP;

    private SmallQuantSums() {}

    /** Q2_K. */
    static void twos(RowTask p) {
        long at = p.at + p.layout.quantsAt(0);
        for (int part = 0; part < PARTS; part++) {
            twos(p.data, at + part * VECTOR, p.factors, p.factorsAt, p.records, part * LANES);
        }
    }

    /** Q3_K. */
    static void threes(RowTask p) {
        long at = p.at + p.layout.quantsAt(0);
        for (int part = 0; part < PARTS; part++) {
            threes(p.data, at + part * VECTOR, p.factors, p.factorsAt, p.begins, p.beginsAt, p.records, part * LANES);
        }
    }

    /** Sums with the scales of Q2_K, but for the minima and the scale of the super-block. */
    static void foldTwos(RowTask p) {
        for (int part = 0; part < PARTS; part++) {
            foldTwos(p.records, part * LANES, p.x.scales(), p.index, p.partial);
        }
    }

    /** From {@link RowTask#partial} to results: takes off the minima of Q2_K, multiplies with the scales of the super-block. */
    static void minima(RowTask p) {
        for (int part = 0; part < PARTS; part++) {
            minima(
                    p.records,
                    part * LANES,
                    p.begins,
                    p.beginsAt,
                    p.x.scales(),
                    p.index,
                    p.data,
                    p.at + p.layout.superAt(0) + part * VECTOR,
                    p.partial,
                    p.result,
                    p.resultAt + part * LANES);
        }
    }

    /** Sums with the scales of Q3_K, but for that of the super-block. */
    static void foldThrees(RowTask p) {
        for (int part = 0; part < PARTS; part++) {
            foldThrees(p.records, part * LANES, p.x.scales(), p.index, p.partial);
        }
    }

    private static void twos(MemorySegment data, long at, int[] a, int from, short[] records, int recordsAt) {
        MemorySegment memory = Shorts.memory(data);
        ShortVector sum = ShortVector.zero(S);
        long next = at;
        int to = recordsAt;
        for (int i = 0; i < 4 * SUPER_BLOCKS; i++) {
            ShortVector w = ShortVector.fromMemorySegment(S, memory, Shorts.plain(next), LE);
            next += UNIT;
            int k = from + 8 * i;
            ShortVector other = w.mul(IntVector.broadcast(I, a[k]).reinterpretAsShorts());
            sum = w.lanewise(LSHR, 2)
                    .mul(IntVector.broadcast(I, a[k + 1]).reinterpretAsShorts())
                    .add(sum);
            other = w.lanewise(LSHR, 4)
                    .mul(IntVector.broadcast(I, a[k + 2]).reinterpretAsShorts())
                    .add(other);
            sum = w.lanewise(LSHR, 6)
                    .mul(IntVector.broadcast(I, a[k + 3]).reinterpretAsShorts())
                    .add(sum);
            other = w.lanewise(LSHR, 8)
                    .mul(IntVector.broadcast(I, a[k + 4]).reinterpretAsShorts())
                    .add(other);
            sum = w.lanewise(LSHR, 10)
                    .mul(IntVector.broadcast(I, a[k + 5]).reinterpretAsShorts())
                    .add(sum);
            other = w.lanewise(LSHR, 12)
                    .mul(IntVector.broadcast(I, a[k + 6]).reinterpretAsShorts())
                    .add(other);
            sum = w.lanewise(LSHR, 14)
                    .mul(IntVector.broadcast(I, a[k + 7]).reinterpretAsShorts())
                    .add(sum)
                    .add(other);
            if ((i & 1) == 1) {
                sum.intoArray(records, to);
                sum = ShortVector.zero(S);
                to += GROUP;
                if ((i & 3) == 3) {
                    ShortVector.fromMemorySegment(S, memory, Shorts.plain(next), LE)
                            .intoArray(records, to);
                    next += UNIT;
                    to += GROUP;
                }
            }
        }
    }

    private static void threes(
            MemorySegment data, long at, int[] a, int from, int[] begins, int begin, short[] records, int recordsAt) {
        MemorySegment memory = Shorts.memory(data);
        ShortVector sum = IntVector.broadcast(I, begins[begin]).reinterpretAsShorts();
        long next = at;
        int to = recordsAt;
        int slot = begin;
        int left = 3;
        for (int i = 0; i < 6 * SUPER_BLOCKS; i++) {
            ShortVector w = ShortVector.fromMemorySegment(S, memory, Shorts.plain(next), LE);
            next += UNIT;
            int k = from + 6 * i;
            ShortVector other = w.mul(IntVector.broadcast(I, a[k]).reinterpretAsShorts());
            sum = w.lanewise(LSHR, 3)
                    .mul(IntVector.broadcast(I, a[k + 1]).reinterpretAsShorts())
                    .add(sum);
            other = w.lanewise(LSHR, 6)
                    .mul(IntVector.broadcast(I, a[k + 2]).reinterpretAsShorts())
                    .add(other);
            sum = w.lanewise(LSHR, 9)
                    .mul(IntVector.broadcast(I, a[k + 3]).reinterpretAsShorts())
                    .add(sum);
            other = w.lanewise(LSHR, 12)
                    .mul(IntVector.broadcast(I, a[k + 4]).reinterpretAsShorts())
                    .add(other);
            sum = w.lanewise(LSHR, 15)
                    .mul(IntVector.broadcast(I, a[k + 5]).reinterpretAsShorts())
                    .add(sum)
                    .add(other);
            if (--left == 0) {
                left = 3;
                sum.intoArray(records, to);
                to += GROUP;
                slot++;
                sum = IntVector.broadcast(I, begins[slot]).reinterpretAsShorts();
                if ((slot - begin & 1) == 0) {
                    ShortVector.fromMemorySegment(S, memory, Shorts.plain(next), LE)
                            .intoArray(records, to);
                    next += UNIT;
                    to += GROUP;
                }
            }
        }
    }

    private static void foldTwos(short[] records, int from, float[] xScales, int index, float[] partial) {
        FloatVector first = FloatVector.zero(F);
        FloatVector second = first;
        for (int i = 0; i < SUPER_BLOCKS; i++) {
            int at = from + i * RECORD;
            FloatVector scale = FloatVector.broadcast(F, xScales[index + i]);
            IntVector left = ShortVector.fromArray(S, records, at).reinterpretAsInts();
            IntVector right = ShortVector.fromArray(S, records, at + GROUP).reinterpretAsInts();
            IntVector heads = ShortVector.fromArray(S, records, at + 2 * GROUP).reinterpretAsInts();
            IntVector sums = left.lanewise(LSHL, 16)
                    .lanewise(ASHR, 16)
                    .mul(heads.and(15))
                    .add(right.lanewise(LSHL, 16)
                            .lanewise(ASHR, 16)
                            .mul(heads.lanewise(LSHR, 8).and(15)));
            first = ((FloatVector) sums.convertShape(I2F, F, 0)).fma(scale, first);
            sums = left.lanewise(ASHR, 16)
                    .mul(heads.lanewise(LSHR, 16).and(15))
                    .add(right.lanewise(ASHR, 16).mul(heads.lanewise(LSHR, 24).and(15)));
            second = ((FloatVector) sums.convertShape(I2F, F, 0)).fma(scale, second);
        }
        first.intoArray(partial, from);
        second.intoArray(partial, from + HALF);
    }

    private static void minima(
            short[] records,
            int from,
            int[] begins,
            int begin,
            float[] xScales,
            int index,
            MemorySegment data,
            long superAt,
            float[] partial,
            float[] y,
            int to) {
        FloatVector first = FloatVector.zero(F);
        FloatVector second = first;
        for (int i = 0; i < SUPER_BLOCKS; i++) {
            FloatVector scale = FloatVector.broadcast(F, xScales[index + i]);
            ShortVector heads = ShortVector.fromArray(S, records, from + i * RECORD + 2 * GROUP);
            // a minimum below 16 times a sum of 16 activations fits 16 bits: 15 · 16 · 127 < 2^15
            IntVector left = heads.lanewise(LSHR, 4)
                    .and((short) 15)
                    .mul(IntVector.broadcast(I, begins[begin + 2 * i]).reinterpretAsShorts())
                    .reinterpretAsInts();
            IntVector right = heads.lanewise(LSHR, 12)
                    .mul(IntVector.broadcast(I, begins[begin + 2 * i + 1]).reinterpretAsShorts())
                    .reinterpretAsInts();
            IntVector sums = left.lanewise(LSHL, 16)
                    .lanewise(ASHR, 16)
                    .add(right.lanewise(LSHL, 16).lanewise(ASHR, 16));
            first = ((FloatVector) sums.convertShape(I2F, F, 0)).fma(scale, first);
            sums = left.lanewise(ASHR, 16).add(right.lanewise(ASHR, 16));
            second = ((FloatVector) sums.convertShape(I2F, F, 0)).fma(scale, second);
        }
        MemorySegment memory = Shorts.memory(data);
        first = first.fma(
                FloatVector.fromMemorySegment(F, memory, superAt + 2 * UNIT, LE), FloatVector.fromArray(F, y, to));
        second = second.fma(
                FloatVector.fromMemorySegment(F, memory, superAt + 3 * UNIT, LE),
                FloatVector.fromArray(F, y, to + HALF));
        FloatVector.fromMemorySegment(F, memory, superAt, LE)
                .fma(FloatVector.fromArray(F, partial, from), first)
                .intoArray(y, to);
        FloatVector.fromMemorySegment(F, memory, superAt + UNIT, LE)
                .fma(FloatVector.fromArray(F, partial, from + HALF), second)
                .intoArray(y, to + HALF);
    }

    private static void foldThrees(short[] records, int from, float[] xScales, int index, float[] partial) {
        FloatVector first = FloatVector.zero(F);
        FloatVector second = first;
        for (int i = 0; i < SUPER_BLOCKS; i++) {
            int at = from + i * RECORD;
            FloatVector scale = FloatVector.broadcast(F, xScales[index + i]);
            IntVector left = ShortVector.fromArray(S, records, at).reinterpretAsInts();
            IntVector right = ShortVector.fromArray(S, records, at + GROUP).reinterpretAsInts();
            IntVector scales = ShortVector.fromArray(S, records, at + 2 * GROUP).reinterpretAsInts();
            IntVector sums = left.lanewise(LSHL, 16)
                    .lanewise(ASHR, 16)
                    .mul(scales.lanewise(LSHL, 24).lanewise(ASHR, 24))
                    .add(right.lanewise(LSHL, 16)
                            .lanewise(ASHR, 16)
                            .mul(scales.lanewise(LSHL, 16).lanewise(ASHR, 24)));
            first = ((FloatVector) sums.convertShape(I2F, F, 0)).fma(scale, first);
            sums = left.lanewise(ASHR, 16)
                    .mul(scales.lanewise(LSHL, 8).lanewise(ASHR, 24))
                    .add(right.lanewise(ASHR, 16).mul(scales.lanewise(ASHR, 24)));
            second = ((FloatVector) sums.convertShape(I2F, F, 0)).fma(scale, second);
        }
        first.intoArray(partial, from);
        second.intoArray(partial, from + HALF);
    }
}
