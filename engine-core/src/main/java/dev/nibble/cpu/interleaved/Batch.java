package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.GROUP;
import static dev.nibble.cpu.interleaved.Shorts.HALF;
import static dev.nibble.cpu.vector.Lanes.broadcast;
import static dev.nibble.cpu.vector.Lanes.load;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * Many input rows: two groups of weight rows at a time are unpacked, {@link #DEPTH} columns of them, and multiplied by
 * tiles of {@link #TOKENS} tokens, rows in the lanes, activations broadcast from memory.
 */
final class Batch {
    /** Columns that are unpacked at a time: a multiple of every block, a divisor of a piece. */
    static final int DEPTH = 256;

    /** Groups of rows that are multiplied at a time. */
    static final int GROUPS = 2;

    private static final int ROWS = GROUPS * GROUP;

    /** Tokens of a tile. */
    private static final int TOKENS = QuantizedInput.SPARE + 1;

    private static final int BLOCK = Layout.BLOCK;

    // of one group of rows in the buffers
    static final int QUANTS = DEPTH * GROUP;
    static final int SCALES = DEPTH / 16 * GROUP;
    static final int SHIFTS = DEPTH / BLOCK * GROUP;

    /** Sums of a tile. */
    static final int SUMS = DEPTH / BLOCK * TOKENS * ROWS;

    // what is done with a tile
    private static final Step[] SHORTS = {Batch::shortTile, Batch::fold};
    private static final Step[] SHIFTED_SHORTS = {Batch::shortTile, Batch::fold, Batch::shift};
    private static final Step[] FLOATS = {Batch::floatTile};

    private Batch() {}

    /** Whether products sum up in 16 bits over blocks; else quants are multiplied as floats. */
    static boolean sumsInShorts(Layout layout) {
        return layout.quants().slotColumns() == BLOCK;
    }

    static void multiply(
            InterleavedKernel kernel,
            QuantizedInput x,
            int firstToken,
            int tokens,
            float[] y,
            int yOffset,
            int yStride,
            int from,
            int to) {
        Piece piece = Piece.current();
        piece.data = kernel.data();
        piece.layout = kernel.layout();
        piece.x = x;
        int groups = Math.ceilDiv(kernel.rows(), GROUP);
        int padded = Math.ceilDiv(tokens, TOKENS) * TOKENS;
        piece.ensureResults(padded * ROWS);
        Step[] steps = sumsInShorts(kernel.layout()) ? kernel.layout().shifted() ? SHIFTED_SHORTS : SHORTS : FLOATS;
        for (int group = from / GROUP; group * GROUP < to; group += GROUPS) {
            Arrays.fill(piece.results, 0, padded * ROWS, 0);
            for (int k = 0; k < kernel.columns(); k += DEPTH) {
                // an odd last group is multiplied twice rather than by a tile of its own
                unpack(kernel, piece, Math.min(group + 1, groups - 1), k, 1, steps == FLOATS);
                unpack(kernel, piece, group, k, 0, steps == FLOATS);
                for (int t = 0; t < padded; t += TOKENS) {
                    piece.index = k / BLOCK * x.stride() + firstToken + t;
                    piece.resultsAt = t * ROWS;
                    for (Step step : steps) {
                        Step.call(step, piece);
                    }
                }
            }
            int begin = Math.max(from, group * GROUP);
            int end = Math.min(to, (group + GROUPS) * GROUP);
            int at = begin - group * GROUP;
            for (int token = 0; token < tokens; token++) {
                System.arraycopy(piece.results, token * ROWS + at, y, yOffset + token * yStride + begin, end - begin);
            }
        }
    }

    /** Reads the columns of a group from k on, DEPTH at most. */
    private static void unpack(InterleavedKernel kernel, Piece piece, int group, int k, int which, boolean floats) {
        Layout layout = kernel.layout();
        piece.which = which;
        piece.columns = Math.min(DEPTH, kernel.columns() - k);
        piece.at = kernel.addressOf(group, k);
        Step.call(layout.quants().unpackQuants, piece);
        Step.call(layout.readScales, piece);
        if (layout.shifted()) {
            int count = piece.columns / BLOCK * GROUP;
            int sign = layout.shiftSign();
            Layout.center(
                    piece.scales, which * SCALES, layout.quants().center(), sign, piece.shifts, which * SHIFTS, count);
        }
        if (floats) {
            dequantize(layout, piece);
        }
    }

    private static void shortTile(Piece p) {
        shortTile(p.quants, p.x.pairs(), p.index, p.x.stride(), p.columns, p.sums);
    }

    private static void fold(Piece p) {
        int blocks = p.columns / BLOCK;
        fold(p.sums, blocks, p.scales, p.x.scales(), p.index, p.x.stride(), p.results, p.resultsAt);
    }

    private static void shift(Piece p) {
        shift(p.columns / BLOCK, p.shifts, p.x.totals(), p.index, p.x.stride(), p.results, p.resultsAt);
    }

    private static void floatTile(Piece p) {
        for (int which = 0; which < GROUPS; which++) {
            floatTile(
                    p.weights,
                    which * QUANTS,
                    p.x.values(),
                    p.index,
                    p.x.stride(),
                    p.columns,
                    p.results,
                    p.resultsAt + which * GROUP);
        }
    }

    /** {@code sums} [blocks, TOKENS, GROUPS, GROUP]: products of two groups and four tokens. */
    private static void shortTile(short[] quants, int[] a, int index, int stride, int columns, short[] sums) {
        ShortVector zero = ShortVector.zero(Shorts.S);
        ShortVector sum00 = zero;
        ShortVector sum01 = zero;
        ShortVector sum10 = zero;
        ShortVector sum11 = zero;
        ShortVector sum20 = zero;
        ShortVector sum21 = zero;
        ShortVector sum30 = zero;
        ShortVector sum31 = zero;
        for (int k = 0; k < columns; k++) {
            ShortVector w0 = ShortVector.fromArray(Shorts.S, quants, k * GROUP);
            ShortVector w1 = ShortVector.fromArray(Shorts.S, quants, QUANTS + k * GROUP);
            int at = (index + (k >> 5) * stride) * BLOCK + (k & 31);
            ShortVector x = Shorts.pair(a[at]);
            sum00 = w0.mul(x).add(sum00);
            sum01 = w1.mul(x).add(sum01);
            x = Shorts.pair(a[at + BLOCK]);
            sum10 = w0.mul(x).add(sum10);
            sum11 = w1.mul(x).add(sum11);
            x = Shorts.pair(a[at + 2 * BLOCK]);
            sum20 = w0.mul(x).add(sum20);
            sum21 = w1.mul(x).add(sum21);
            x = Shorts.pair(a[at + 3 * BLOCK]);
            sum30 = w0.mul(x).add(sum30);
            sum31 = w1.mul(x).add(sum31);
            if ((k & 31) == 31) {
                int to = (k >> 5) * TOKENS * ROWS;
                sum00.intoArray(sums, to);
                sum01.intoArray(sums, to + GROUP);
                sum10.intoArray(sums, to + 2 * GROUP);
                sum11.intoArray(sums, to + 3 * GROUP);
                sum20.intoArray(sums, to + 4 * GROUP);
                sum21.intoArray(sums, to + 5 * GROUP);
                sum30.intoArray(sums, to + 6 * GROUP);
                sum31.intoArray(sums, to + 7 * GROUP);
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

    /** {@code c += sums · weight scale · activation scale}. */
    private static void fold(
            short[] sums, int blocks, float[] scales, float[] xScales, int index, int stride, float[] c, int cAt) {
        for (int i = 0; i < blocks * TOKENS * GROUPS; i++) {
            int block = i / (TOKENS * GROUPS);
            int inTile = i % (TOKENS * GROUPS);
            FloatVector scale = broadcast(xScales[index + block * stride + inTile / GROUPS]);
            int scaleAt = inTile % GROUPS * SCALES + block * GROUP;
            IntVector pairs = ShortVector.fromArray(Shorts.S, sums, i * GROUP).reinterpretAsInts();
            int at = cAt + inTile * GROUP;
            Shorts.floats(Shorts.even(pairs))
                    .mul(scale)
                    .fma(load(scales, scaleAt), load(c, at))
                    .intoArray(c, at);
            Shorts.floats(Shorts.odd(pairs))
                    .mul(scale)
                    .fma(load(scales, scaleAt + HALF), load(c, at + HALF))
                    .intoArray(c, at + HALF);
        }
    }

    /** {@code c += shift · Σ activations}. */
    private static void shift(int blocks, float[] shifts, float[] totals, int index, int stride, float[] c, int cAt) {
        for (int i = 0; i < blocks * TOKENS * GROUPS; i++) {
            int block = i / (TOKENS * GROUPS);
            int inTile = i % (TOKENS * GROUPS);
            FloatVector total = broadcast(totals[index + block * stride + inTile / GROUPS]);
            int shiftAt = inTile % GROUPS * SHIFTS + block * GROUP;
            int at = cAt + inTile * GROUP;
            load(shifts, shiftAt).fma(total, load(c, at)).intoArray(c, at);
            load(shifts, shiftAt + HALF).fma(total, load(c, at + HALF)).intoArray(c, at + HALF);
        }
    }

    /** What was unpacked last, as floats. */
    private static void dequantize(Layout layout, Piece p) {
        int width = layout.scaleColumns();
        for (int k = 0; k < p.columns; k += width) {
            int at = p.quantsTo() + k * GROUP;
            dequantize(p.quants, at, p.scales, p.scalesTo() + k / width * GROUP, width, p.weights);
            if (layout.shifted()) {
                addShift(p.shifts, p.shiftsTo() + k / BLOCK * GROUP, width, p.weights, at);
            }
        }
    }

    /** {@code weights = quants · scale}, rows in order. */
    private static void dequantize(short[] quants, int at, float[] scales, int scaleAt, int columns, float[] weights) {
        FloatVector first = load(scales, scaleAt);
        FloatVector second = load(scales, scaleAt + HALF);
        for (int i = at; i < at + columns * GROUP; i += GROUP) {
            IntVector pairs = ShortVector.fromArray(Shorts.S, quants, i).reinterpretAsInts();
            Shorts.floats(Shorts.even(pairs)).mul(first).intoArray(weights, i);
            Shorts.floats(Shorts.odd(pairs)).mul(second).intoArray(weights, i + HALF);
        }
    }

    private static void addShift(float[] shifts, int shiftAt, int columns, float[] weights, int to) {
        FloatVector first = load(shifts, shiftAt);
        FloatVector second = load(shifts, shiftAt + HALF);
        for (int at = to; at < to + columns * GROUP; at += GROUP) {
            load(weights, at).add(first).intoArray(weights, at);
            load(weights, at + HALF).add(second).intoArray(weights, at + HALF);
        }
    }

    /** {@code c += weights · activations}: a group and four tokens. */
    private static void floatTile(
            float[] weights, int weightsAt, float[] x, int index, int stride, int columns, float[] c, int cAt) {
        FloatVector sum00 = load(c, cAt);
        FloatVector sum01 = load(c, cAt + HALF);
        FloatVector sum10 = load(c, cAt + ROWS);
        FloatVector sum11 = load(c, cAt + ROWS + HALF);
        FloatVector sum20 = load(c, cAt + 2 * ROWS);
        FloatVector sum21 = load(c, cAt + 2 * ROWS + HALF);
        FloatVector sum30 = load(c, cAt + 3 * ROWS);
        FloatVector sum31 = load(c, cAt + 3 * ROWS + HALF);
        for (int k = 0; k < columns; k++) {
            FloatVector w0 = load(weights, weightsAt + k * GROUP);
            FloatVector w1 = load(weights, weightsAt + k * GROUP + HALF);
            int at = (index + (k >> 5) * stride) * BLOCK + (k & 31);
            FloatVector value = broadcast(x[at]);
            sum00 = w0.fma(value, sum00);
            sum01 = w1.fma(value, sum01);
            value = broadcast(x[at + BLOCK]);
            sum10 = w0.fma(value, sum10);
            sum11 = w1.fma(value, sum11);
            value = broadcast(x[at + 2 * BLOCK]);
            sum20 = w0.fma(value, sum20);
            sum21 = w1.fma(value, sum21);
            value = broadcast(x[at + 3 * BLOCK]);
            sum30 = w0.fma(value, sum30);
            sum31 = w1.fma(value, sum31);
        }
        sum00.intoArray(c, cAt);
        sum01.intoArray(c, cAt + HALF);
        sum10.intoArray(c, cAt + ROWS);
        sum11.intoArray(c, cAt + ROWS + HALF);
        sum20.intoArray(c, cAt + 2 * ROWS);
        sum21.intoArray(c, cAt + 2 * ROWS + HALF);
        sum30.intoArray(c, cAt + 3 * ROWS);
        sum31.intoArray(c, cAt + 3 * ROWS + HALF);
    }
}
