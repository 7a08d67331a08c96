package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.GROUP;
import static dev.nibble.cpu.interleaved.Shorts.HALF;
import static dev.nibble.cpu.interleaved.Shorts.LANES;
import static dev.nibble.cpu.interleaved.Shorts.PARTS;
import static dev.nibble.cpu.interleaved.Shorts.S;
import static dev.nibble.cpu.interleaved.Shorts.VECTOR;
import static dev.nibble.cpu.interleaved.Shorts.pairs;
import static dev.nibble.cpu.vector.Lanes.F;
import static dev.nibble.cpu.vector.Lanes.broadcast;
import static dev.nibble.cpu.vector.Lanes.load;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;

import dev.nibble.cpu.vector.Lanes;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * From {@link BlockSums} of a group of rows and an input row to results, part by part:
 * {@code y += Σ sum · weight scale · activation scale ± Σ shift · Σ activations}.
 *
 * <p>Sums are those of centered quants, which fit 16 bits. In super-blocks, where there are minima, what this took off is
 * added as soon as they are ints.
 */
final class ScaleSums {
    private static final int SUPER_BLOCKS = GroupLayout.SUPER_BLOCKS;

    private ScaleSums() {}

    /** Blocks with one sum. */
    static void blocks(RowTask p) {
        int blocks = p.columns / GroupLayout.BLOCK;
        int record = p.layout.record();
        for (int at = 0; at < GROUP; at += LANES) {
            int to = p.resultAt + at;
            blocks(p.records, at, record, blocks, p.x.liftedScales(), p.index, p.result, to);
        }
    }

    /** Blocks with two sums. */
    static void halvedBlocks(RowTask p) {
        int blocks = p.columns / GroupLayout.BLOCK;
        int record = p.layout.record();
        for (int at = 0; at < GROUP; at += LANES) {
            int to = p.resultAt + at;
            halvedBlocks(p.records, at, record, blocks, p.x.liftedScales(), p.index, p.result, to);
        }
    }

    /** The shifts of blocks, behind {@code sums} sums and a scale; {@code center} is in the sums. */
    static void shifts(RowTask p, int sums, int center) {
        int blocks = p.columns / GroupLayout.BLOCK;
        int record = p.layout.record();
        for (int at = 0; at < GROUP; at += LANES) {
            int first = sums * GROUP + at;
            shifts(p.records, first, record, center, blocks, p.x.liftedTotals(), p.index, p.result, p.resultAt + at);
        }
    }

    /** Sub-blocks with two sums, but for the minima and the scale of the super-block: {@link #minima}. */
    static void halvedEighths(RowTask p) {
        for (int at = 0; at < GROUP; at += LANES) {
            halvedEighths(p.records, at, p.layout.record(), p.begins, p.beginsAt, p.x.scales(), p.index, p.partial);
        }
    }

    /** Pairs of sub-blocks with two sums each, but for the scale of the super-block: {@link #scale}. */
    static void sixteenths(RowTask p) {
        for (int at = 0; at < GROUP; at += LANES) {
            sixteenths(p.records, at, p.layout.record(), p.x.scales(), p.index, p.partial);
        }
    }

    /**
     * From {@link RowTask#partial} to results: takes off the minima of sub-blocks, behind {@code sums} sums in a record, and
     * multiplies with the scales of the super-block, whose head begins at {@code superAt}.
     */
    static void minima(RowTask p, int sums, int superAt) {
        for (int part = 0; part < PARTS; part++) {
            minima(
                    p.records,
                    sums,
                    part * LANES,
                    p.x.totals(),
                    p.index,
                    p.data,
                    p.at + superAt + part * VECTOR,
                    p.partial,
                    p.result,
                    p.resultAt + part * LANES);
        }
    }

    /** From {@link RowTask#partial} to results: multiplies with the scale of the super-block. */
    static void scale(RowTask p, int superAt) {
        for (int part = 0; part < PARTS; part++) {
            int at = part * LANES;
            scale(p.data, p.at + superAt + part * VECTOR, p.partial, at, p.result, p.resultAt + at);
        }
    }

    private static void blocks(
            short[] records, int from, int record, int blocks, float[] xScales, int index, float[] y, int to) {
        FloatVector first = load(y, to);
        FloatVector second = load(y, to + HALF);
        for (int i = 0; i < blocks; i++) {
            int at = from + i * record;
            FloatVector scale = broadcast(xScales[index + i]);
            IntVector halves = pairs(records, at + GROUP);
            IntVector sums = pairs(records, at);
            first = Shorts.floats(Shorts.even(sums)).mul(scale).fma(Shorts.evenHalves(halves), first);
            second = Shorts.floats(Shorts.odd(sums)).mul(scale).fma(Shorts.oddHalves(halves), second);
        }
        first.intoArray(y, to);
        second.intoArray(y, to + HALF);
    }

    private static void halvedBlocks(
            short[] records, int from, int record, int blocks, float[] xScales, int index, float[] y, int to) {
        FloatVector first = load(y, to);
        FloatVector second = load(y, to + HALF);
        for (int i = 0; i < blocks; i++) {
            int at = from + i * record;
            FloatVector scale = broadcast(xScales[index + i]);
            IntVector halves = pairs(records, at + 2 * GROUP);
            IntVector left = pairs(records, at);
            IntVector right = pairs(records, at + GROUP);
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
            int from,
            int record,
            float center,
            int blocks,
            float[] totals,
            int index,
            float[] y,
            int to) {
        FloatVector first = load(y, to);
        FloatVector second = load(y, to + HALF);
        for (int i = 0; i < blocks; i++) {
            int at = from + i * record;
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
            short[] records,
            int from,
            int record,
            int[] begins,
            int begin,
            float[] xScales,
            int index,
            float[] partial) {
        FloatVector first = FloatVector.zero(Lanes.F);
        FloatVector second = first;
        for (int i = 0; i < SUPER_BLOCKS; i++) {
            int at = from + i * record;
            int starts = (begins[begin + 2 * i] >> 16) + (begins[begin + 2 * i + 1] >> 16);
            FloatVector scale = broadcast(xScales[index + i]);
            IntVector start = IntVector.broadcast(Lanes.I, starts);
            IntVector scales = pairs(records, at + 2 * GROUP);
            IntVector left = pairs(records, at);
            IntVector right = pairs(records, at + GROUP);
            IntVector even =
                    Shorts.even(left).add(Shorts.even(right)).sub(start).mul(Shorts.firstOfEven(scales));
            IntVector odd = Shorts.odd(left).add(Shorts.odd(right)).sub(start).mul(Shorts.firstOfOdd(scales));
            first = Shorts.floats(even).fma(scale, first);
            second = Shorts.floats(odd).fma(scale, second);
        }
        first.intoArray(partial, from);
        second.intoArray(partial, from + HALF);
    }

    /** Calls the Vector API only: it is too long for helpers to be inlined, see {@link OneInputLoopsNarrow}. */
    private static void sixteenths(short[] records, int from, int record, float[] xScales, int index, float[] partial) {
        FloatVector first = FloatVector.zero(F);
        FloatVector second = first;
        for (int i = 0; i < SUPER_BLOCKS; i++) {
            int at = from + i * record;
            FloatVector scale = FloatVector.broadcast(F, xScales[index + i]);
            IntVector scales = ShortVector.fromArray(S, records, at + 4 * GROUP).reinterpretAsInts();
            IntVector left = ShortVector.fromArray(S, records, at).reinterpretAsInts();
            IntVector right = ShortVector.fromArray(S, records, at + GROUP).reinterpretAsInts();
            IntVector sums = left.lanewise(LSHL, 16)
                    .lanewise(ASHR, 16)
                    .add(right.lanewise(LSHL, 16).lanewise(ASHR, 16))
                    .mul(scales.lanewise(LSHL, 24).lanewise(ASHR, 24));
            first = ((FloatVector) sums.convertShape(I2F, F, 0)).fma(scale, first);
            sums = left.lanewise(ASHR, 16)
                    .add(right.lanewise(ASHR, 16))
                    .mul(scales.lanewise(LSHL, 8).lanewise(ASHR, 24));
            second = ((FloatVector) sums.convertShape(I2F, F, 0)).fma(scale, second);
            left = ShortVector.fromArray(S, records, at + 2 * GROUP).reinterpretAsInts();
            right = ShortVector.fromArray(S, records, at + 3 * GROUP).reinterpretAsInts();
            sums = left.lanewise(LSHL, 16)
                    .lanewise(ASHR, 16)
                    .add(right.lanewise(LSHL, 16).lanewise(ASHR, 16))
                    .mul(scales.lanewise(LSHL, 16).lanewise(ASHR, 24));
            first = ((FloatVector) sums.convertShape(I2F, F, 0)).fma(scale, first);
            sums = left.lanewise(ASHR, 16).add(right.lanewise(ASHR, 16)).mul(scales.lanewise(ASHR, 24));
            second = ((FloatVector) sums.convertShape(I2F, F, 0)).fma(scale, second);
        }
        first.intoArray(partial, from);
        second.intoArray(partial, from + HALF);
    }

    private static void minima(
            short[] records,
            int sums,
            int from,
            float[] totals,
            int index,
            MemorySegment data,
            long superAt,
            float[] partial,
            float[] y,
            int to) {
        FloatVector first = FloatVector.zero(Lanes.F);
        FloatVector second = first;
        for (int i = 0; i < SUPER_BLOCKS; i++) {
            FloatVector total = broadcast(-totals[index + i]);
            IntVector scales = pairs(records, (i * (sums + 1) + sums) * GROUP + from);
            first = Shorts.floats(Shorts.secondOfEven(scales)).fma(total, first);
            second = Shorts.floats(Shorts.secondOfOdd(scales)).fma(total, second);
        }
        first = first.fma(Shorts.loadFloats(data, superAt + 2 * Quants.UNIT), load(y, to));
        second = second.fma(Shorts.loadFloats(data, superAt + 3 * Quants.UNIT), load(y, to + HALF));
        first = load(partial, from).fma(Shorts.loadFloats(data, superAt), first);
        second = load(partial, from + HALF).fma(Shorts.loadFloats(data, superAt + Quants.UNIT), second);
        first.intoArray(y, to);
        second.intoArray(y, to + HALF);
    }

    private static void scale(MemorySegment data, long superAt, float[] partial, int from, float[] y, int to) {
        FloatVector first = load(partial, from).fma(Shorts.loadFloats(data, superAt), load(y, to));
        FloatVector second =
                load(partial, from + HALF).fma(Shorts.loadFloats(data, superAt + Quants.UNIT), load(y, to + HALF));
        first.intoArray(y, to);
        second.intoArray(y, to + HALF);
    }
}
