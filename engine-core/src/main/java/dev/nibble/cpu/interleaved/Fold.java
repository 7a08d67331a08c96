package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.GROUP;
import static dev.nibble.cpu.interleaved.Shorts.HALF;
import static dev.nibble.cpu.vector.Lanes.broadcast;
import static dev.nibble.cpu.vector.Lanes.load;

import dev.nibble.cpu.vector.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * From the sums of integers of a group of rows and a token to results:
 * {@code y += Σ sum · weight scale · activation scale + Σ (center · weight scale ± shift) · Σ activations}.
 */
final class Fold {
    /** Adds sums of 32 bits, one for each block and row, rows in order. */
    static final Step INTS = Fold::ints;

    private Fold() {}

    /** Adds sums of 16 bits, 2^slotsPerScale to a scale and 2^slotsPerBlock to a block, lanes as they are. */
    static Step shorts(int slotsPerScale, int slotsPerBlock) {
        return p -> shorts(
                p.sums,
                p.columns / Layout.BLOCK << slotsPerBlock,
                p.scales,
                slotsPerScale,
                p.x.scales(),
                slotsPerBlock,
                p.index,
                p.x.stride(),
                p.result);
    }

    private static void ints(Piece p) {
        ints(p.wideSums, p.columns / Layout.BLOCK, p.scales, p.x.scales(), p.index, p.x.stride(), p.result);
    }

    /** Adds shifts times the sums of the activations, and takes back that the quants were centered. */
    static Step shifts(float center, float sign) {
        return p -> shifts(
                p.scales,
                center,
                p.shifts,
                sign,
                p.columns / Layout.BLOCK,
                p.x.totals(),
                p.index,
                p.x.stride(),
                p.result);
    }

    private static void shorts(
            short[] sums,
            int slots,
            float[] scales,
            int slotsPerScale,
            float[] xScales,
            int slotsPerBlock,
            int index,
            int stride,
            float[] y) {
        FloatVector first = load(y, 0);
        FloatVector second = load(y, HALF);
        for (int slot = 0; slot < slots; slot++) {
            FloatVector scale = broadcast(xScales[index + (slot >> slotsPerBlock) * stride]);
            int scaleAt = (slot >> slotsPerScale) * GROUP;
            IntVector pairs =
                    ShortVector.fromArray(Shorts.S, sums, slot * GROUP).reinterpretAsInts();
            first = Shorts.floats(Shorts.even(pairs)).mul(scale).fma(load(scales, scaleAt), first);
            second = Shorts.floats(Shorts.odd(pairs)).mul(scale).fma(load(scales, scaleAt + HALF), second);
        }
        first.intoArray(y, 0);
        second.intoArray(y, HALF);
    }

    private static void ints(
            int[] sums, int blocks, float[] scales, float[] xScales, int index, int stride, float[] y) {
        FloatVector first = load(y, 0);
        FloatVector second = load(y, HALF);
        for (int block = 0; block < blocks; block++) {
            FloatVector scale = broadcast(xScales[index + block * stride]);
            int at = block * GROUP;
            first = floats(sums, at).mul(scale).fma(load(scales, at), first);
            second = floats(sums, at + HALF).mul(scale).fma(load(scales, at + HALF), second);
        }
        first.intoArray(y, 0);
        second.intoArray(y, HALF);
    }

    private static FloatVector floats(int[] sums, int at) {
        return Shorts.floats(IntVector.fromArray(Lanes.I, sums, at));
    }

    private static void shifts(
            float[] scales,
            float center,
            float[] shifts,
            float sign,
            int blocks,
            float[] totals,
            int index,
            int stride,
            float[] y) {
        FloatVector first = load(y, 0);
        FloatVector second = load(y, HALF);
        for (int block = 0; block < blocks; block++) {
            float total = totals[index + block * stride];
            FloatVector centered = broadcast(center * total);
            FloatVector shifted = broadcast(sign * total);
            first = load(scales, block * GROUP).fma(centered, first);
            second = load(scales, block * GROUP + HALF).fma(centered, second);
            first = load(shifts, block * GROUP).fma(shifted, first);
            second = load(shifts, block * GROUP + HALF).fma(shifted, second);
        }
        first.intoArray(y, 0);
        second.intoArray(y, HALF);
    }
}
