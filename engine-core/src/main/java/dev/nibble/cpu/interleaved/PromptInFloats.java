package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.HALF;
import static dev.nibble.cpu.interleaved.Shorts.LANES;
import static dev.nibble.cpu.interleaved.Shorts.pairs;
import static dev.nibble.cpu.vector.Lanes.F;
import static dev.nibble.cpu.vector.Lanes.broadcast;
import static dev.nibble.cpu.vector.Lanes.load;

import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.pool.WorkerPool;
import dev.nibble.cpu.vector.InputPanels;
import dev.nibble.cpu.vector.Lanes;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Many input rows, see {@link BatchLanes}: a slice of weight rows is dequantized, {@link GroupLayout#PIECE} columns of it, and
 * multiplied by tiles of input rows, rows in the lanes, activations broadcast from memory.
 */
final class PromptInFloats {
    /** Input rows of a tile: 16 sums, and with 16 registers 8. */
    private static final int INPUTS = Lanes.COUNT == 8 ? 4 : 8;

    private static final SeparateLoop MULTIPLY = Lanes.COUNT == 8 ? PromptInFloats::four : PromptInFloats::eight;
    private static final SeparateLoop DEQUANTIZE = PromptInFloats::dequantize;
    private static final SeparateLoop SHIFTED = PromptInFloats::shifted;

    private PromptInFloats() {}

    /** Activations of the input rows of a tile side by side, so that one address serves them all. */
    private static final class Tiles extends InputPanels {
        Tiles() {
            super(INPUTS);
        }
    }

    static void prepare(MatmulInput x, WorkerPool pool) {
        InputPanels.pack(x, pool, Tiles.class, Tiles::new);
    }

    static void multiply(
            RowTask p,
            InterleavedKernel kernel,
            MatmulInput x,
            int firstInput,
            int inputs,
            float[] y,
            int yOffset,
            int yStride,
            int from,
            int to) {
        Tiles tiles = x.packed(Tiles.class);
        if (tiles == null) {
            throw new IllegalStateException("the input was not prepared");
        }
        p.data = kernel.data();
        p.layout = kernel.layout();
        p.values = tiles.values();
        p.which = 0;
        p.quantsStride = LANES;
        int columns = kernel.columns();
        int firstTile = firstInput / INPUTS;
        int endTile = Math.ceilDiv(firstInput + inputs, INPUTS);
        int size = (endTile - firstTile) * INPUTS * LANES;
        p.ensureResults(size);
        for (int slice = from / LANES; slice * LANES < to; slice++) {
            Arrays.fill(p.results, 0, size, 0);
            for (int k = 0; k < columns; k += GroupLayout.PIECE) {
                p.columns = Math.min(GroupLayout.PIECE, columns - k);
                p.at = kernel.addressOfSlice(slice, k);
                SeparateLoop.call(p.layout.quants().unpackQuants, p);
                SeparateLoop.call(kernel.readScales(), p);
                p.layout.center(p);
                SeparateLoop.call(p.layout.shifted() ? SHIFTED : DEQUANTIZE, p);
                for (int tile = firstTile; tile < endTile; tile++) {
                    p.valuesAt = (tile * columns + k) * INPUTS;
                    p.resultsAt = (tile - firstTile) * INPUTS * LANES;
                    SeparateLoop.call(MULTIPLY, p);
                }
            }
            int begin = Math.max(from, slice * LANES);
            int end = Math.min(to, (slice + 1) * LANES);
            int at = (firstInput - firstTile * INPUTS) * LANES + begin - slice * LANES;
            for (int input = 0; input < inputs; input++) {
                System.arraycopy(p.results, at + input * LANES, y, yOffset + input * yStride + begin, end - begin);
            }
        }
    }

    /** {@link RowTask#weights} from what was unpacked. */
    private static void dequantize(RowTask p) {
        int width = p.layout.scaleColumns();
        for (int k = 0; k < p.columns; k += width) {
            dequantize(p.quants, k * LANES, p.scales, k / width * LANES, width, p.weights);
        }
    }

    /** The same of a type that has shifts. */
    private static void shifted(RowTask p) {
        int width = p.layout.scaleColumns();
        for (int k = 0; k < p.columns; k += width) {
            shifted(p.quants, k * LANES, p.scales, p.shifts, k / width * LANES, width, p.weights);
        }
    }

    /** {@code weights = quants · scale}, rows in order. */
    private static void dequantize(short[] quants, int at, float[] scales, int scaleAt, int columns, float[] weights) {
        FloatVector first = load(scales, scaleAt);
        FloatVector second = load(scales, scaleAt + HALF);
        for (int i = at; i < at + columns * LANES; i += LANES) {
            IntVector pairs = pairs(quants, i);
            Shorts.floats(Shorts.even(pairs)).mul(first).intoArray(weights, i);
            Shorts.floats(Shorts.odd(pairs)).mul(second).intoArray(weights, i + HALF);
        }
    }

    /** {@code weights = quants · scale + shift}, rows in order. */
    private static void shifted(
            short[] quants, int at, float[] scales, float[] shifts, int shiftAt, int columns, float[] weights) {
        FloatVector first = load(scales, shiftAt);
        FloatVector second = load(scales, shiftAt + HALF);
        FloatVector firstShift = load(shifts, shiftAt);
        FloatVector secondShift = load(shifts, shiftAt + HALF);
        for (int i = at; i < at + columns * LANES; i += LANES) {
            IntVector pairs = pairs(quants, i);
            Shorts.floats(Shorts.even(pairs)).fma(first, firstShift).intoArray(weights, i);
            Shorts.floats(Shorts.odd(pairs)).fma(second, secondShift).intoArray(weights, i + HALF);
        }
    }

    private static void eight(RowTask p) {
        eight(p.weights, p.values, p.valuesAt, p.columns, p.results, p.resultsAt, p.resultsAt);
    }

    private static void four(RowTask p) {
        four(p.weights, p.values, p.valuesAt, p.columns, p.results, p.resultsAt, p.resultsAt);
    }

    /**
     * {@code c += weights · activations}: a slice and eight input rows.
     *
     * <p>Sums are read from {@code from} on and written from {@code to} on, which are the same: where the compiler knows,
     * it keeps the addresses of all sums from before the loop until behind it, runs out of registers, and moves the
     * address of the weights to a vector register and back in each turn. Calls the Vector API only: it is too long for
     * helpers to be inlined, see {@link OneInputLoopsNarrow}.
     */
    private static void eight(float[] w, float[] x, int xAt, int columns, float[] c, int from, int to) {
        FloatVector sum00 = FloatVector.fromArray(F, c, from);
        FloatVector sum01 = FloatVector.fromArray(F, c, from + HALF);
        FloatVector sum10 = FloatVector.fromArray(F, c, from + LANES);
        FloatVector sum11 = FloatVector.fromArray(F, c, from + LANES + HALF);
        FloatVector sum20 = FloatVector.fromArray(F, c, from + 2 * LANES);
        FloatVector sum21 = FloatVector.fromArray(F, c, from + 2 * LANES + HALF);
        FloatVector sum30 = FloatVector.fromArray(F, c, from + 3 * LANES);
        FloatVector sum31 = FloatVector.fromArray(F, c, from + 3 * LANES + HALF);
        FloatVector sum40 = FloatVector.fromArray(F, c, from + 4 * LANES);
        FloatVector sum41 = FloatVector.fromArray(F, c, from + 4 * LANES + HALF);
        FloatVector sum50 = FloatVector.fromArray(F, c, from + 5 * LANES);
        FloatVector sum51 = FloatVector.fromArray(F, c, from + 5 * LANES + HALF);
        FloatVector sum60 = FloatVector.fromArray(F, c, from + 6 * LANES);
        FloatVector sum61 = FloatVector.fromArray(F, c, from + 6 * LANES + HALF);
        FloatVector sum70 = FloatVector.fromArray(F, c, from + 7 * LANES);
        FloatVector sum71 = FloatVector.fromArray(F, c, from + 7 * LANES + HALF);
        for (int k = 0; k < columns; k++) {
            FloatVector w0 = FloatVector.fromArray(F, w, k * LANES);
            FloatVector w1 = FloatVector.fromArray(F, w, k * LANES + HALF);
            FloatVector value = FloatVector.broadcast(F, x[xAt + 8 * k + 0]);
            sum00 = w0.fma(value, sum00);
            sum01 = w1.fma(value, sum01);
            value = FloatVector.broadcast(F, x[xAt + 8 * k + 1]);
            sum10 = w0.fma(value, sum10);
            sum11 = w1.fma(value, sum11);
            value = FloatVector.broadcast(F, x[xAt + 8 * k + 2]);
            sum20 = w0.fma(value, sum20);
            sum21 = w1.fma(value, sum21);
            value = FloatVector.broadcast(F, x[xAt + 8 * k + 3]);
            sum30 = w0.fma(value, sum30);
            sum31 = w1.fma(value, sum31);
            value = FloatVector.broadcast(F, x[xAt + 8 * k + 4]);
            sum40 = w0.fma(value, sum40);
            sum41 = w1.fma(value, sum41);
            value = FloatVector.broadcast(F, x[xAt + 8 * k + 5]);
            sum50 = w0.fma(value, sum50);
            sum51 = w1.fma(value, sum51);
            value = FloatVector.broadcast(F, x[xAt + 8 * k + 6]);
            sum60 = w0.fma(value, sum60);
            sum61 = w1.fma(value, sum61);
            value = FloatVector.broadcast(F, x[xAt + 8 * k + 7]);
            sum70 = w0.fma(value, sum70);
            sum71 = w1.fma(value, sum71);
        }
        sum00.intoArray(c, to);
        sum01.intoArray(c, to + HALF);
        sum10.intoArray(c, to + LANES);
        sum11.intoArray(c, to + LANES + HALF);
        sum20.intoArray(c, to + 2 * LANES);
        sum21.intoArray(c, to + 2 * LANES + HALF);
        sum30.intoArray(c, to + 3 * LANES);
        sum31.intoArray(c, to + 3 * LANES + HALF);
        sum40.intoArray(c, to + 4 * LANES);
        sum41.intoArray(c, to + 4 * LANES + HALF);
        sum50.intoArray(c, to + 5 * LANES);
        sum51.intoArray(c, to + 5 * LANES + HALF);
        sum60.intoArray(c, to + 6 * LANES);
        sum61.intoArray(c, to + 6 * LANES + HALF);
        sum70.intoArray(c, to + 7 * LANES);
        sum71.intoArray(c, to + 7 * LANES + HALF);
    }

    /** {@code c += weights · activations}: a slice and four input rows. */
    private static void four(float[] w, float[] x, int xAt, int columns, float[] c, int from, int to) {
        FloatVector sum00 = load(c, from);
        FloatVector sum01 = load(c, from + HALF);
        FloatVector sum10 = load(c, from + LANES);
        FloatVector sum11 = load(c, from + LANES + HALF);
        FloatVector sum20 = load(c, from + 2 * LANES);
        FloatVector sum21 = load(c, from + 2 * LANES + HALF);
        FloatVector sum30 = load(c, from + 3 * LANES);
        FloatVector sum31 = load(c, from + 3 * LANES + HALF);
        for (int k = 0; k < columns; k++) {
            FloatVector w0 = load(w, k * LANES);
            FloatVector w1 = load(w, k * LANES + HALF);
            FloatVector value = broadcast(x[xAt + 4 * k]);
            sum00 = w0.fma(value, sum00);
            sum01 = w1.fma(value, sum01);
            value = broadcast(x[xAt + 4 * k + 1]);
            sum10 = w0.fma(value, sum10);
            sum11 = w1.fma(value, sum11);
            value = broadcast(x[xAt + 4 * k + 2]);
            sum20 = w0.fma(value, sum20);
            sum21 = w1.fma(value, sum21);
            value = broadcast(x[xAt + 4 * k + 3]);
            sum30 = w0.fma(value, sum30);
            sum31 = w1.fma(value, sum31);
        }
        sum00.intoArray(c, to);
        sum01.intoArray(c, to + HALF);
        sum10.intoArray(c, to + LANES);
        sum11.intoArray(c, to + LANES + HALF);
        sum20.intoArray(c, to + 2 * LANES);
        sum21.intoArray(c, to + 2 * LANES + HALF);
        sum30.intoArray(c, to + 3 * LANES);
        sum31.intoArray(c, to + 3 * LANES + HALF);
    }
}
