package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.GROUP;
import static dev.nibble.cpu.interleaved.Shorts.HALF;
import static dev.nibble.cpu.interleaved.Shorts.pair;
import static dev.nibble.cpu.interleaved.Shorts.pairs;
import static dev.nibble.cpu.vector.Lanes.broadcast;
import static dev.nibble.cpu.vector.Lanes.load;

import dev.nibble.cpu.vector.Lanes;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * From records of a group of rows, see {@link Quants#records}, and a token to results:
 * {@code y += Σ sum · weight scale · activation scale ± Σ shift · Σ activations}.
 *
 * <p>Sums become those of centered quants, which fit 16 bits, by {@link QuantizedInput.Factors#begins}. In super-blocks,
 * where there are minima, this is taken back as soon as they are ints.
 */
final class Fold {
    private static final int SUPER_BLOCKS = Layout.SUPER_BLOCKS;

    private Fold() {}

    /** Blocks with one sum. */
    static void blocks(Piece p) {
        blocks(
                p.records,
                p.layout.record(),
                p.columns / Layout.BLOCK,
                p.begins,
                p.beginsAt,
                p.x.scales(),
                p.index,
                p.result,
                p.resultAt);
    }

    /** Blocks with two sums. */
    static void halvedBlocks(Piece p) {
        halvedBlocks(
                p.records,
                p.layout.record(),
                p.columns / Layout.BLOCK,
                p.begins,
                p.beginsAt,
                p.x.scales(),
                p.index,
                p.result,
                p.resultAt);
    }

    /** The shifts of blocks, behind {@code sums} sums and a scale; {@code center} is in the sums. */
    static void shifts(Piece p, int sums, int center) {
        int blocks = p.columns / Layout.BLOCK;
        shifts(p.records, p.layout.record(), sums, center, blocks, p.x.totals(), p.index, p.result, p.resultAt);
    }

    /** Sub-blocks with two sums, but for the minima and the scale of the super-block: {@link #minima}. */
    static void halvedEighths(Piece p) {
        halvedEighths(p.records, p.begins, p.beginsAt, p.x.scales(), p.index, p.partial);
    }

    /**
     * From {@link Piece#partial} to results: takes off the minima of sub-blocks, behind {@code sums} sums in a record, and
     * multiplies with the scales of the super-block, whose head begins at {@code superAt}.
     */
    static void minima(Piece p, int sums, int superAt) {
        minima(p.records, sums, p.x.totals(), p.index, p.data, p.at + superAt, p.partial, p.result, p.resultAt);
    }

    /** From {@link Piece#partial} to results: multiplies with the scale of the super-block. */
    static void scale(Piece p, int superAt) {
        scale(p.data, p.at + superAt, p.partial, p.result, p.resultAt);
    }

    /** Sums of 16 bits, those of the even and of the odd lanes in an int. */
    private static IntVector centered(short[] records, int at, int[] begins, int begin) {
        return ShortVector.fromArray(Shorts.S, records, at)
                .add(pair(begins[begin]))
                .reinterpretAsInts();
    }

    private static void blocks(
            short[] records,
            int record,
            int blocks,
            int[] begins,
            int begin,
            float[] xScales,
            int index,
            float[] y,
            int to) {
        FloatVector first = load(y, to);
        FloatVector second = load(y, to + HALF);
        for (int i = 0; i < blocks; i++) {
            int at = i * record;
            FloatVector scale = broadcast(xScales[index + i]);
            IntVector halves = pairs(records, at + GROUP);
            IntVector sums = centered(records, at, begins, begin + i);
            first = Shorts.floats(Shorts.even(sums)).mul(scale).fma(Shorts.evenHalves(halves), first);
            second = Shorts.floats(Shorts.odd(sums)).mul(scale).fma(Shorts.oddHalves(halves), second);
        }
        first.intoArray(y, to);
        second.intoArray(y, to + HALF);
    }

    private static void halvedBlocks(
            short[] records,
            int record,
            int blocks,
            int[] begins,
            int begin,
            float[] xScales,
            int index,
            float[] y,
            int to) {
        FloatVector first = load(y, to);
        FloatVector second = load(y, to + HALF);
        for (int i = 0; i < blocks; i++) {
            int at = i * record;
            FloatVector scale = broadcast(xScales[index + i]);
            IntVector halves = pairs(records, at + 2 * GROUP);
            IntVector left = centered(records, at, begins, begin + 2 * i);
            IntVector right = centered(records, at + GROUP, begins, begin + 2 * i + 1);
            IntVector even = Shorts.even(left).add(Shorts.even(right));
            IntVector odd = Shorts.odd(left).add(Shorts.odd(right));
            first = Shorts.floats(even).mul(scale).fma(Shorts.evenHalves(halves), first);
            second = Shorts.floats(odd).mul(scale).fma(Shorts.oddHalves(halves), second);
        }
        first.intoArray(y, to);
        second.intoArray(y, to + HALF);
    }

    private static void shifts(
            short[] records,
            int record,
            int sums,
            float center,
            int blocks,
            float[] totals,
            int index,
            float[] y,
            int to) {
        FloatVector first = load(y, to);
        FloatVector second = load(y, to + HALF);
        for (int i = 0; i < blocks; i++) {
            int at = i * record + sums * GROUP;
            float sum = totals[index + i];
            FloatVector total = broadcast(sum);
            FloatVector centered = broadcast(center * sum);
            IntVector scales = pairs(records, at);
            IntVector halves = pairs(records, at + GROUP);
            first = Shorts.evenHalves(halves).fma(total, first);
            second = Shorts.oddHalves(halves).fma(total, second);
            first = Shorts.evenHalves(scales).fma(centered, first);
            second = Shorts.oddHalves(scales).fma(centered, second);
        }
        first.intoArray(y, to);
        second.intoArray(y, to + HALF);
    }

    private static void halvedEighths(
            short[] records, int[] begins, int begin, float[] xScales, int index, float[] partial) {
        FloatVector first = FloatVector.zero(Lanes.F);
        FloatVector second = first;
        for (int i = 0; i < SUPER_BLOCKS; i++) {
            int at = i * 3 * GROUP;
            int starts = (begins[begin + 2 * i] >> 16) + (begins[begin + 2 * i + 1] >> 16);
            FloatVector scale = broadcast(xScales[index + i]);
            IntVector start = IntVector.broadcast(Lanes.I, starts);
            IntVector scales = pairs(records, at + 2 * GROUP);
            IntVector left = centered(records, at, begins, begin + 2 * i);
            IntVector right = centered(records, at + GROUP, begins, begin + 2 * i + 1);
            IntVector even =
                    Shorts.even(left).add(Shorts.even(right)).sub(start).mul(Shorts.firstOfEven(scales));
            IntVector odd = Shorts.odd(left).add(Shorts.odd(right)).sub(start).mul(Shorts.firstOfOdd(scales));
            first = Shorts.floats(even).fma(scale, first);
            second = Shorts.floats(odd).fma(scale, second);
        }
        first.intoArray(partial, 0);
        second.intoArray(partial, HALF);
    }

    private static void minima(
            short[] records,
            int sums,
            float[] totals,
            int index,
            MemorySegment data,
            long superAt,
            float[] partial,
            float[] y,
            int to) {
        Shorts.mayFault(data, superAt);
        FloatVector first = FloatVector.zero(Lanes.F);
        FloatVector second = first;
        for (int i = 0; i < SUPER_BLOCKS; i++) {
            FloatVector total = broadcast(-totals[index + i]);
            IntVector scales = pairs(records, (i * (sums + 1) + sums) * GROUP);
            first = Shorts.floats(Shorts.secondOfEven(scales)).fma(total, first);
            second = Shorts.floats(Shorts.secondOfOdd(scales)).fma(total, second);
        }
        first = first.fma(Shorts.loadFloats(data, superAt + 2 * Quants.UNIT), load(y, to));
        second = second.fma(Shorts.loadFloats(data, superAt + 3 * Quants.UNIT), load(y, to + HALF));
        first = load(partial, 0).fma(Shorts.loadFloats(data, superAt), first);
        second = load(partial, HALF).fma(Shorts.loadFloats(data, superAt + Quants.UNIT), second);
        first.intoArray(y, to);
        second.intoArray(y, to + HALF);
    }

    private static void scale(MemorySegment data, long superAt, float[] partial, float[] y, int to) {
        Shorts.mayFault(data, superAt);
        FloatVector first = load(partial, 0).fma(Shorts.loadFloats(data, superAt), load(y, to));
        FloatVector second =
                load(partial, HALF).fma(Shorts.loadFloats(data, superAt + Quants.UNIT), load(y, to + HALF));
        first.intoArray(y, to);
        second.intoArray(y, to + HALF);
    }
}
