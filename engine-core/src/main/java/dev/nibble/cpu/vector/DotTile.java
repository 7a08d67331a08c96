package dev.nibble.cpu.vector;

import static dev.nibble.cpu.vector.Lanes.COUNT;
import static dev.nibble.cpu.vector.Lanes.load;

import jdk.incubator.vector.FloatVector;

/** Dot products of one piece of a weight row with a few input rows, columns in the lanes. */
final class DotTile {
    private DotTile() {}

    /**
     * Adds to {@code sums[r * COUNT ..]} the lanes of {@code w[0, count) · x[xOffset + r * stride ..]} for r in
     * [0, rows). Each row gets the same sequence of additions whatever the number of rows.
     */
    static void accumulate(float[] w, float[] x, int xOffset, int stride, int rows, int count, float[] sums) {
        int r = 0;
        for (; r <= rows - 4; r += 4) {
            rows4(w, x, xOffset + r * stride, stride, count, sums, r * COUNT);
        }
        for (; r < rows; r++) {
            row(w, x, xOffset + r * stride, count, sums, r * COUNT);
        }
    }

    private static void rows4(float[] w, float[] x, int at0, int stride, int count, float[] sums, int sumsAt) {
        int at1 = at0 + stride;
        int at2 = at1 + stride;
        int at3 = at2 + stride;
        FloatVector even0 = load(sums, sumsAt);
        FloatVector even1 = load(sums, sumsAt + COUNT);
        FloatVector even2 = load(sums, sumsAt + 2 * COUNT);
        FloatVector even3 = load(sums, sumsAt + 3 * COUNT);
        FloatVector odd0 = FloatVector.zero(Lanes.F);
        FloatVector odd1 = odd0;
        FloatVector odd2 = odd0;
        FloatVector odd3 = odd0;
        int k = 0;
        for (; k <= count - 2 * COUNT; k += 2 * COUNT) {
            FloatVector w0 = load(w, k);
            FloatVector w1 = load(w, k + COUNT);
            even0 = load(x, at0 + k).fma(w0, even0);
            even1 = load(x, at1 + k).fma(w0, even1);
            even2 = load(x, at2 + k).fma(w0, even2);
            even3 = load(x, at3 + k).fma(w0, even3);
            odd0 = load(x, at0 + k + COUNT).fma(w1, odd0);
            odd1 = load(x, at1 + k + COUNT).fma(w1, odd1);
            odd2 = load(x, at2 + k + COUNT).fma(w1, odd2);
            odd3 = load(x, at3 + k + COUNT).fma(w1, odd3);
        }
        even0.add(odd0).intoArray(sums, sumsAt);
        even1.add(odd1).intoArray(sums, sumsAt + COUNT);
        even2.add(odd2).intoArray(sums, sumsAt + 2 * COUNT);
        even3.add(odd3).intoArray(sums, sumsAt + 3 * COUNT);
        if (k < count) {
            tail(w, x, at0, k, count, sums, sumsAt);
            tail(w, x, at1, k, count, sums, sumsAt + COUNT);
            tail(w, x, at2, k, count, sums, sumsAt + 2 * COUNT);
            tail(w, x, at3, k, count, sums, sumsAt + 3 * COUNT);
        }
    }

    private static void row(float[] w, float[] x, int at, int count, float[] sums, int sumsAt) {
        FloatVector even = load(sums, sumsAt);
        FloatVector odd = FloatVector.zero(Lanes.F);
        int k = 0;
        for (; k <= count - 2 * COUNT; k += 2 * COUNT) {
            even = load(x, at + k).fma(load(w, k), even);
            odd = load(x, at + k + COUNT).fma(load(w, k + COUNT), odd);
        }
        even.add(odd).intoArray(sums, sumsAt);
        if (k < count) {
            tail(w, x, at, k, count, sums, sumsAt);
        }
    }

    /** Fewer than two vectors; only plain types have rows that are no multiple of 32. */
    private static void tail(float[] w, float[] x, int at, int from, int count, float[] sums, int sumsAt) {
        for (int k = from; k < count; k++) {
            int lane = sumsAt + k % COUNT;
            sums[lane] = Math.fma(w[k], x[at + k], sums[lane]);
        }
    }
}
