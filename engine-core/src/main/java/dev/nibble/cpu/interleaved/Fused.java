package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.GROUP;
import static dev.nibble.cpu.interleaved.Shorts.HALF;
import static dev.nibble.cpu.interleaved.Shorts.pair;
import static dev.nibble.cpu.vector.Lanes.broadcast;
import static dev.nibble.cpu.vector.Lanes.load;

import dev.nibble.cpu.vector.Lanes;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * One input row, from weights to results in one loop: while a block is folded, the processor reads on. For groups of one
 * part and the types whose loop is then small enough for the compiler to keep its vectors in registers; the others make
 * {@link Records} first.
 */
final class Fused {
    private static final int UNIT = Quants.UNIT;
    private static final int SUPER_BLOCKS = Layout.SUPER_BLOCKS;

    /** Whether groups are such as these loops read. */
    static final boolean SERVES = Shorts.PARTS == 1;

    private Fused() {}

    /** Q4_0. */
    static void four(Piece p) {
        int units = p.columns / 4;
        four(
                p.data,
                p.at,
                units,
                p.factors,
                p.factorsAt,
                p.begins,
                p.beginsAt,
                p.x.liftedScales(),
                p.index,
                p.result,
                p.resultAt);
    }

    /** Q8_0. */
    static void eight(Piece p) {
        eight(
                p.data,
                p.at,
                p.columns / 2,
                p.factors,
                p.factorsAt,
                p.begins,
                p.beginsAt,
                p.x.liftedScales(),
                p.index,
                p.result,
                p.resultAt);
    }

    /** Q4_K, but for the minima and the scale of the super-block: {@link Fold#minima}. */
    static void fourK(Piece p) {
        long at = p.at + p.layout.quantsAt(0);
        fourK(p.data, at, p.factors, p.factorsAt, p.begins, p.beginsAt, p.x.scales(), p.index, p.records, p.partial);
    }

    /** Q6_K, but for the scale of the super-block: {@link Fold#scale}. */
    static void sixK(Piece p) {
        long at = p.at + p.layout.headAt(0);
        sixK(p.data, at, p.factors, p.factorsAt, p.begins, p.beginsAt, p.x.scales(), p.index, p.partial);
    }

    private static void four(
            MemorySegment data,
            long at,
            int units,
            int[] a,
            int from,
            int[] begins,
            int begin,
            float[] xScales,
            int index,
            float[] y,
            int to) {
        Shorts.mayFault(data, at);
        FloatVector first = load(y, to);
        FloatVector second = load(y, to + HALF);
        ShortVector even = ShortVector.zero(Shorts.S);
        ShortVector odd = even;
        long next = at;
        int block = 0;
        int left = 8;
        for (int i = 0; i < units; i++) {
            ShortVector w = Shorts.load(data, next);
            next += UNIT;
            even = w.mul(pair(a[from + 4 * i])).add(even);
            odd = w.lanewise(VectorOperators.LSHR, 4)
                    .mul(pair(a[from + 4 * i + 1]))
                    .add(odd);
            even = w.lanewise(VectorOperators.LSHR, 8)
                    .mul(pair(a[from + 4 * i + 2]))
                    .add(even);
            odd = w.lanewise(VectorOperators.LSHR, 12)
                    .mul(pair(a[from + 4 * i + 3]))
                    .add(odd);
            if (--left == 0) {
                left = 8;
                IntVector halves = Shorts.load(data, next).reinterpretAsInts();
                next += UNIT;
                FloatVector scale = broadcast(xScales[index + block]);
                IntVector sums = even.add(odd).add(pair(begins[begin + block])).reinterpretAsInts();
                first = Shorts.floats(Shorts.even(sums)).mul(scale).fma(Shorts.evenHalves(halves), first);
                second = Shorts.floats(Shorts.odd(sums)).mul(scale).fma(Shorts.oddHalves(halves), second);
                block++;
                even = ShortVector.zero(Shorts.S);
                odd = even;
            }
        }
        first.intoArray(y, to);
        second.intoArray(y, to + HALF);
    }

    private static void eight(
            MemorySegment data,
            long at,
            int units,
            int[] a,
            int from,
            int[] begins,
            int begin,
            float[] xScales,
            int index,
            float[] y,
            int to) {
        Shorts.mayFault(data, at);
        FloatVector first = load(y, to);
        FloatVector second = load(y, to + HALF);
        IntVector whole = IntVector.zero(Lanes.I);
        IntVector upper = whole;
        long next = at;
        int block = 0;
        int left = 16;
        for (int i = 0; i < units; i++) {
            ShortVector w = Shorts.load(data, next);
            next += UNIT;
            IntVector pairs = w.mul(pair(a[from + 2 * i]))
                    .add(w.lanewise(VectorOperators.LSHR, 8).mul(pair(a[from + 2 * i + 1])))
                    .add(pair(begins[begin + i]))
                    .reinterpretAsInts();
            whole = pairs.add(whole);
            upper = pairs.lanewise(VectorOperators.LSHR, 16).add(upper);
            if (--left == 0) {
                left = 16;
                IntVector halves = Shorts.load(data, next).reinterpretAsInts();
                next += UNIT;
                FloatVector scale = broadcast(xScales[index + block]);
                IntVector even = EightBits.even(whole, upper);
                IntVector odd = EightBits.odd(upper);
                first = Shorts.floats(even).mul(scale).fma(Shorts.evenHalves(halves), first);
                second = Shorts.floats(odd).mul(scale).fma(Shorts.oddHalves(halves), second);
                block++;
                whole = IntVector.zero(Lanes.I);
                upper = whole;
            }
        }
        first.intoArray(y, to);
        second.intoArray(y, to + HALF);
    }

    private static void fourK(
            MemorySegment data,
            long at,
            int[] a,
            int from,
            int[] begins,
            int begin,
            float[] xScales,
            int index,
            short[] heads,
            float[] partial) {
        Shorts.mayFault(data, at);
        FloatVector first = FloatVector.zero(Lanes.F);
        FloatVector second = first;
        ShortVector even = ShortVector.zero(Shorts.S);
        ShortVector odd = even;
        long next = at;
        int block = 0;
        int left = 8;
        for (int i = 0; i < 8 * SUPER_BLOCKS; i++) {
            ShortVector w = Shorts.load(data, next);
            next += UNIT;
            even = w.mul(pair(a[from + 4 * i])).add(even);
            odd = w.lanewise(VectorOperators.LSHR, 4)
                    .mul(pair(a[from + 4 * i + 1]))
                    .add(odd);
            even = w.lanewise(VectorOperators.LSHR, 8)
                    .mul(pair(a[from + 4 * i + 2]))
                    .add(even);
            odd = w.lanewise(VectorOperators.LSHR, 12)
                    .mul(pair(a[from + 4 * i + 3]))
                    .add(odd);
            if (--left == 0) {
                left = 8;
                ShortVector head = Shorts.load(data, next);
                next += UNIT;
                head.intoArray(heads, block * GROUP);
                IntVector scales = head.reinterpretAsInts();
                FloatVector scale = broadcast(xScales[index + block]);
                int start = begins[begin + block];
                IntVector sums = even.add(odd).add(pair(start)).reinterpretAsInts();
                IntVector centered = IntVector.broadcast(Lanes.I, start >> 16);
                IntVector evens = Shorts.even(sums).sub(centered).mul(Shorts.firstOfEven(scales));
                IntVector odds = Shorts.odd(sums).sub(centered).mul(Shorts.firstOfOdd(scales));
                first = Shorts.floats(evens).fma(scale, first);
                second = Shorts.floats(odds).fma(scale, second);
                block++;
                even = ShortVector.zero(Shorts.S);
                odd = even;
            }
        }
        first.intoArray(partial, 0);
        second.intoArray(partial, HALF);
    }

    private static void sixK(
            MemorySegment data,
            long at,
            int[] a,
            int from,
            int[] begins,
            int begin,
            float[] xScales,
            int index,
            float[] partial) {
        Shorts.mayFault(data, at);
        FloatVector first = FloatVector.zero(Lanes.F);
        FloatVector second = first;
        ShortVector even = ShortVector.zero(Shorts.S);
        ShortVector odd = even;
        IntVector evens = IntVector.zero(Lanes.I);
        IntVector odds = evens;
        IntVector scales = Shorts.load(data, at).reinterpretAsInts();
        long next = at + UNIT;
        int slot = 0;
        int left = 3;
        for (int i = 0; i < 12 * SUPER_BLOCKS; i++) {
            ShortVector w = Shorts.load(data, next);
            next += UNIT;
            even = w.mul(pair(a[from + 4 * i])).add(even);
            odd = w.lanewise(VectorOperators.LSHR, 6)
                    .mul(pair(a[from + 4 * i + 1]))
                    .add(odd);
            even = w.lanewise(VectorOperators.LSHR, 12)
                    .mul(pair(a[from + 4 * i + 2]))
                    .add(even);
            odd = w.lanewise(VectorOperators.LSHR, 14)
                    .mul(pair(a[from + 4 * i + 3]))
                    .add(odd);
            if (--left == 0) {
                left = 3;
                IntVector sums = even.add(odd).add(pair(begins[begin + slot])).reinterpretAsInts();
                evens = Shorts.even(sums).add(evens);
                odds = Shorts.odd(sums).add(odds);
                slot++;
                even = ShortVector.zero(Shorts.S);
                odd = even;
                if ((slot & 1) == 0) {
                    FloatVector scale = broadcast(xScales[index + (slot - 1 >> 2)]);
                    first = Shorts.floats(evens.mul(Shorts.firstOfEven(scales))).fma(scale, first);
                    second = Shorts.floats(odds.mul(Shorts.firstOfOdd(scales))).fma(scale, second);
                    evens = IntVector.zero(Lanes.I);
                    odds = evens;
                    // the second byte comes to where the first one was
                    scales = scales.lanewise(VectorOperators.LSHR, 8);
                    if ((slot & 3) == 0 && slot < 4 * SUPER_BLOCKS) {
                        // the next block's head
                        scales = Shorts.load(data, next).reinterpretAsInts();
                        next += UNIT;
                    }
                }
            }
        }
        first.intoArray(partial, 0);
        second.intoArray(partial, HALF);
    }
}
