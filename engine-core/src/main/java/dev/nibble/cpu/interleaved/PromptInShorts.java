package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.HALF;
import static dev.nibble.cpu.interleaved.Shorts.LANES;
import static dev.nibble.cpu.interleaved.Shorts.S;
import static dev.nibble.cpu.interleaved.Shorts.pair;
import static dev.nibble.cpu.interleaved.Shorts.pairs;
import static dev.nibble.cpu.vector.Lanes.F;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * Many input rows where the products of a slot fit 16 bits and a scale has one slot or two: quants of 3 to 6 bits. Two
 * slices of weight rows at a time are unpacked, {@link GroupLayout#PIECE} columns of them, and multiplied by tiles of input rows,
 * rows in the lanes, activations broadcast from memory.
 */
final class PromptInShorts {
    /** Slices of rows that are multiplied at a time. */
    static final int SLICES = 2;

    /** Input rows of a tile: those that lie side by side in a {@link QuantizedInput}. */
    private static final int INPUTS = QuantizedInput.TILE;

    /** What is folded at a time: a slice and two input rows of a tile. */
    private static final int QUARTERS = INPUTS / 2 * SLICES;

    private static final int ROWS = SLICES * LANES;
    private static final int BLOCK = GroupLayout.BLOCK;

    /** The least columns of a slot. */
    private static final int MIN_SLOT = 8;

    /** Sums of a tile and a slot. */
    private static final int TILE = INPUTS * ROWS;

    /** The most sums of a tile and a piece. */
    static final int SUMS = GroupLayout.PIECE / MIN_SLOT * TILE;

    private static final SeparateLoop MULTIPLY = PromptInShorts::tile;
    private static final SeparateLoop FOLD = PromptInShorts::fold;
    private static final SeparateLoop FOLD_PAIRS = PromptInShorts::foldPairs;
    private static final SeparateLoop SHIFT = PromptInShorts::shift;

    private PromptInShorts() {}

    /** Whether this class serves a layout: sums of a slot fit 16 bits, and a shift is that of a block. */
    static boolean serves(GroupLayout layout) {
        Quants quants = layout.quants();
        return !quants.exact()
                && quants.slotColumns() >= MIN_SLOT
                && (!layout.shifted() || layout.scaleColumns() == BLOCK);
    }

    static void multiply(
            RowTask p,
            InterleavedKernel kernel,
            QuantizedInput x,
            int firstInput,
            int inputs,
            float[] y,
            int yOffset,
            int yStride,
            int from,
            int to) {
        p.data = kernel.data();
        p.layout = kernel.layout();
        p.x = x;
        p.quantsStride = ROWS;
        int columns = kernel.columns();
        int slices = Math.ceilDiv(kernel.rows(), LANES);
        int firstTile = firstInput / INPUTS;
        int endTile = Math.ceilDiv(firstInput + inputs, INPUTS);
        int size = (endTile - firstTile) * TILE;
        p.ensureResults(size);
        SeparateLoop fold = p.layout.scaleColumns() == p.layout.quants().slotColumns() ? FOLD : FOLD_PAIRS;
        for (int slice = from / LANES; slice * LANES < to; slice += SLICES) {
            Arrays.fill(p.results, 0, size, 0);
            for (int k = 0; k < columns; k += GroupLayout.PIECE) {
                p.columns = Math.min(GroupLayout.PIECE, columns - k);
                // an odd last slice is multiplied twice rather than by a tile of its own
                unpack(kernel, p, slice, k, 0);
                unpack(kernel, p, Math.min(slice + 1, slices - 1), k, 1);
                for (int tile = firstTile; tile < endTile; tile++) {
                    p.factorsAt = (tile * columns + k) * INPUTS;
                    p.index = (tile * columns + k) / BLOCK * INPUTS;
                    p.resultsAt = (tile - firstTile) * TILE;
                    SeparateLoop.call(MULTIPLY, p);
                    for (p.quarter = 0; p.quarter < QUARTERS; p.quarter++) {
                        SeparateLoop.call(fold, p);
                        if (p.layout.shifted()) {
                            SeparateLoop.call(SHIFT, p);
                        }
                    }
                }
            }
            int begin = Math.max(from, slice * LANES);
            int end = Math.min(to, (slice + SLICES) * LANES);
            int at = (firstInput - firstTile * INPUTS) * ROWS + begin - slice * LANES;
            for (int input = 0; input < inputs; input++) {
                System.arraycopy(p.results, input * ROWS + at, y, yOffset + input * yStride + begin, end - begin);
            }
        }
    }

    private static void unpack(InterleavedKernel kernel, RowTask p, int slice, int k, int which) {
        p.at = kernel.addressOfSlice(slice, k);
        p.which = which;
        SeparateLoop.call(p.layout.quants().unpackQuants, p);
        SeparateLoop.call(kernel.readScales(), p);
        p.layout.center(p);
    }

    private static void tile(RowTask p) {
        tile(p.quants, p.x.pairs(), p.factorsAt, p.columns, p.layout.quants().slotColumns(), p.sums);
    }

    /** {@code sums} [slots, INPUTS, SLICES, LANES]: products of two slices and four input rows. */
    private static void tile(short[] quants, int[] a, int at, int columns, int slot, short[] sums) {
        ShortVector zero = ShortVector.zero(S);
        ShortVector sum00 = zero;
        ShortVector sum01 = zero;
        ShortVector sum10 = zero;
        ShortVector sum11 = zero;
        ShortVector sum20 = zero;
        ShortVector sum21 = zero;
        ShortVector sum30 = zero;
        ShortVector sum31 = zero;
        int left = slot;
        int to = 0;
        for (int k = 0; k < columns; k++) {
            ShortVector w0 = ShortVector.fromArray(S, quants, k * ROWS);
            ShortVector w1 = ShortVector.fromArray(S, quants, k * ROWS + LANES);
            ShortVector x = pair(a[at + INPUTS * k]);
            sum00 = w0.mul(x).add(sum00);
            sum01 = w1.mul(x).add(sum01);
            x = pair(a[at + INPUTS * k + 1]);
            sum10 = w0.mul(x).add(sum10);
            sum11 = w1.mul(x).add(sum11);
            x = pair(a[at + INPUTS * k + 2]);
            sum20 = w0.mul(x).add(sum20);
            sum21 = w1.mul(x).add(sum21);
            x = pair(a[at + INPUTS * k + 3]);
            sum30 = w0.mul(x).add(sum30);
            sum31 = w1.mul(x).add(sum31);
            if (--left == 0) {
                left = slot;
                sum00.intoArray(sums, to);
                sum01.intoArray(sums, to + LANES);
                sum10.intoArray(sums, to + 2 * LANES);
                sum11.intoArray(sums, to + 3 * LANES);
                sum20.intoArray(sums, to + 4 * LANES);
                sum21.intoArray(sums, to + 5 * LANES);
                sum30.intoArray(sums, to + 6 * LANES);
                sum31.intoArray(sums, to + 7 * LANES);
                to += TILE;
                sum00 = zero;
                sum01 = zero;
                sum10 = zero;
                sum11 = zero;
                sum20 = zero;
                sum21 = zero;
                sum30 = zero;
                sum31 = zero;
            }
        }
    }

    private static void fold(RowTask p) {
        int at = sumsOfQuarter(p);
        int scaleColumns = p.layout.scaleColumns();
        fold(
                p.sums,
                at,
                p.columns / scaleColumns,
                p.scales,
                sliceOfQuarter(p) * RowTask.SCALES,
                p.x.scales(),
                p.index + inputOfQuarter(p),
                scaleShift(scaleColumns),
                p.results,
                p.resultsAt + at);
    }

    private static void foldPairs(RowTask p) {
        int at = sumsOfQuarter(p);
        int scaleColumns = p.layout.scaleColumns();
        foldPairs(
                p.sums,
                at,
                p.columns / scaleColumns,
                p.scales,
                sliceOfQuarter(p) * RowTask.SCALES,
                p.x.scales(),
                p.index + inputOfQuarter(p),
                scaleShift(scaleColumns),
                p.results,
                p.resultsAt + at);
    }

    private static void shift(RowTask p) {
        shift(
                p.columns / BLOCK,
                p.shifts,
                sliceOfQuarter(p) * RowTask.SHIFTS,
                p.x.totals(),
                p.index + inputOfQuarter(p),
                p.results,
                p.resultsAt + sumsOfQuarter(p));
    }

    /** From the number of a scale to that of its block. */
    private static int scaleShift(int scaleColumns) {
        return Integer.numberOfTrailingZeros(BLOCK / scaleColumns);
    }

    private static int inputOfQuarter(RowTask p) {
        return p.quarter & -2;
    }

    private static int sliceOfQuarter(RowTask p) {
        return p.quarter & 1;
    }

    private static int sumsOfQuarter(RowTask p) {
        return inputOfQuarter(p) * ROWS + sliceOfQuarter(p) * LANES;
    }

    // These call the Vector API only: helpers are not always inlined into them, and their vectors are objects then.

    /**
     * {@code c += Σ sums · weight scale · activation scale} of a slice and two input rows.
     *
     * @param shift from the number of a scale to that of its block
     */
    private static void fold(
            short[] sums,
            int sumsAt,
            int count,
            float[] scales,
            int scalesAt,
            float[] xScales,
            int index,
            int shift,
            float[] c,
            int at) {
        int next = at + ROWS;
        FloatVector first0 = FloatVector.fromArray(F, c, at);
        FloatVector second0 = FloatVector.fromArray(F, c, at + HALF);
        FloatVector first1 = FloatVector.fromArray(F, c, next);
        FloatVector second1 = FloatVector.fromArray(F, c, next + HALF);
        for (int i = 0; i < count; i++) {
            int block = index + (i >> shift) * INPUTS;
            FloatVector first = FloatVector.fromArray(F, scales, scalesAt + i * LANES);
            FloatVector second = FloatVector.fromArray(F, scales, scalesAt + i * LANES + HALF);
            FloatVector scale = FloatVector.broadcast(F, xScales[block]);
            IntVector pairs = ShortVector.fromArray(S, sums, sumsAt + i * TILE).reinterpretAsInts();
            first0 = ((FloatVector) pairs.lanewise(LSHL, 16).lanewise(ASHR, 16).convertShape(I2F, F, 0))
                    .mul(scale)
                    .fma(first, first0);
            second0 = ((FloatVector) pairs.lanewise(ASHR, 16).convertShape(I2F, F, 0))
                    .mul(scale)
                    .fma(second, second0);
            scale = FloatVector.broadcast(F, xScales[block + 1]);
            pairs = ShortVector.fromArray(S, sums, sumsAt + i * TILE + ROWS).reinterpretAsInts();
            first1 = ((FloatVector) pairs.lanewise(LSHL, 16).lanewise(ASHR, 16).convertShape(I2F, F, 0))
                    .mul(scale)
                    .fma(first, first1);
            second1 = ((FloatVector) pairs.lanewise(ASHR, 16).convertShape(I2F, F, 0))
                    .mul(scale)
                    .fma(second, second1);
        }
        first0.intoArray(c, at);
        second0.intoArray(c, at + HALF);
        first1.intoArray(c, next);
        second1.intoArray(c, next + HALF);
    }

    /** As {@link #fold}, where a scale is that of two slots. */
    private static void foldPairs(
            short[] sums,
            int sumsAt,
            int count,
            float[] scales,
            int scalesAt,
            float[] xScales,
            int index,
            int shift,
            float[] c,
            int at) {
        int next = at + ROWS;
        FloatVector first0 = FloatVector.fromArray(F, c, at);
        FloatVector second0 = FloatVector.fromArray(F, c, at + HALF);
        FloatVector first1 = FloatVector.fromArray(F, c, next);
        FloatVector second1 = FloatVector.fromArray(F, c, next + HALF);
        for (int i = 0; i < count; i++) {
            int from = sumsAt + 2 * i * TILE;
            int block = index + (i >> shift) * INPUTS;
            FloatVector first = FloatVector.fromArray(F, scales, scalesAt + i * LANES);
            FloatVector second = FloatVector.fromArray(F, scales, scalesAt + i * LANES + HALF);
            FloatVector scale = FloatVector.broadcast(F, xScales[block]);
            IntVector left = ShortVector.fromArray(S, sums, from).reinterpretAsInts();
            IntVector right = ShortVector.fromArray(S, sums, from + TILE).reinterpretAsInts();
            IntVector sum = left.lanewise(LSHL, 16)
                    .lanewise(ASHR, 16)
                    .add(right.lanewise(LSHL, 16).lanewise(ASHR, 16));
            first0 = ((FloatVector) sum.convertShape(I2F, F, 0)).mul(scale).fma(first, first0);
            sum = left.lanewise(ASHR, 16).add(right.lanewise(ASHR, 16));
            second0 = ((FloatVector) sum.convertShape(I2F, F, 0)).mul(scale).fma(second, second0);
            scale = FloatVector.broadcast(F, xScales[block + 1]);
            left = ShortVector.fromArray(S, sums, from + ROWS).reinterpretAsInts();
            right = ShortVector.fromArray(S, sums, from + ROWS + TILE).reinterpretAsInts();
            sum = left.lanewise(LSHL, 16)
                    .lanewise(ASHR, 16)
                    .add(right.lanewise(LSHL, 16).lanewise(ASHR, 16));
            first1 = ((FloatVector) sum.convertShape(I2F, F, 0)).mul(scale).fma(first, first1);
            sum = left.lanewise(ASHR, 16).add(right.lanewise(ASHR, 16));
            second1 = ((FloatVector) sum.convertShape(I2F, F, 0)).mul(scale).fma(second, second1);
        }
        first0.intoArray(c, at);
        second0.intoArray(c, at + HALF);
        first1.intoArray(c, next);
        second1.intoArray(c, next + HALF);
    }

    /** {@code c += Σ shift · Σ activations} of a slice and two input rows. */
    private static void shift(int blocks, float[] shifts, int shiftsAt, float[] totals, int index, float[] c, int at) {
        int next = at + ROWS;
        FloatVector first0 = FloatVector.fromArray(F, c, at);
        FloatVector second0 = FloatVector.fromArray(F, c, at + HALF);
        FloatVector first1 = FloatVector.fromArray(F, c, next);
        FloatVector second1 = FloatVector.fromArray(F, c, next + HALF);
        for (int block = 0; block < blocks; block++) {
            FloatVector first = FloatVector.fromArray(F, shifts, shiftsAt + block * LANES);
            FloatVector second = FloatVector.fromArray(F, shifts, shiftsAt + block * LANES + HALF);
            FloatVector total = FloatVector.broadcast(F, totals[index + block * INPUTS]);
            first0 = first.fma(total, first0);
            second0 = second.fma(total, second0);
            total = FloatVector.broadcast(F, totals[index + block * INPUTS + 1]);
            first1 = first.fma(total, first1);
            second1 = second.fma(total, second1);
        }
        first0.intoArray(c, at);
        second0.intoArray(c, at + HALF);
        first1.intoArray(c, next);
        second1.intoArray(c, next + HALF);
    }
}
