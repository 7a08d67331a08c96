package dev.nibble.cpu.vector;

import static dev.nibble.cpu.vector.Lanes.COUNT;
import static dev.nibble.cpu.vector.Lanes.broadcast;
import static dev.nibble.cpu.vector.Lanes.load;

import dev.nibble.cpu.pool.Scratch;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * Matrix multiplication for many input rows, the same for all tensor types: a panel of weight rows is dequantized into
 * the L2 cache and multiplied by all input rows, which lie in the lanes, weights broadcast from memory.
 *
 * <p>The inner tile is 6 rows by 2 vectors, which takes 15 registers; processors with 512-bit or with 128-bit vectors
 * have 32. With 256 bits there may be 16 only, and whether the compiler then spills depends on trifles, so the tile is
 * 4 by 2. Each sum runs over the columns in order, in steps of {@link #DEPTH}, so
 * the result of an output does not depend on the tile it falls in.
 */
final class Gemm {
    /** From so many input rows on, packing and partly empty lanes cost less than horizontal sums. */
    static final int MIN_ROWS = Math.max(4, COUNT * 3 / 4);

    /** Columns of a panel: two vectors of input rows take 32 KiB or less. A multiple of every block size. */
    private static final int DEPTH = 256;

    /** Rows of a panel, 48 KiB. */
    private static final int ROWS = 48;

    private Gemm() {}

    /** {@code y[yOffset + input * yStride + n]} for all input rows and the rows n in [from, to) of the kernel's matrix. */
    static void multiply(
            RowKernel kernel, InputPanels x, float[] y, int yOffset, int yStride, int from, int to, Scratch scratch) {
        int columns = x.columns();
        int cStride = (x.count() + 1) * COUNT; // a gap, so that rows do not fall into the same cache sets
        float[] w = scratch.panel(ROWS * DEPTH);
        float[] c = scratch.tile(ROWS * cStride);
        for (int n = from; n < to; n += ROWS) {
            int rows = Math.min(ROWS, to - n);
            Arrays.fill(c, 0, rows * cStride, 0);
            for (int k = 0; k < columns; k += DEPTH) {
                int count = Math.min(DEPTH, columns - k);
                for (int r = 0; r < rows; r++) {
                    kernel.dequantize(kernel.offsetOf(n + r, k), w, r * DEPTH, count, scratch);
                }
                multiplyPanel(w, rows, x, k, count, c, cStride);
            }
            store(c, cStride, rows, x.inputs(), y, yOffset + n, yStride);
        }
    }

    private static void multiplyPanel(float[] w, int rows, InputPanels x, int k, int count, float[] c, int cStride) {
        int panelSize = x.columns() * COUNT;
        int panels = x.count();
        for (int p = 0; p < panels; p += 2) {
            int xAt = p * panelSize + k * COUNT;
            if (p + 1 < panels) {
                multiplyPair(w, rows, x.values(), xAt, xAt + panelSize, count, c, p * COUNT, cStride);
            } else {
                multiplySingle(w, rows, x.values(), xAt, count, c, p * COUNT, cStride);
            }
        }
    }

    private static void multiplyPair(
            float[] w, int rows, float[] x, int x0At, int x1At, int count, float[] c, int cAt, int cStride) {
        int r = 0;
        if (COUNT == 8) {
            for (; r <= rows - 4; r += 4) {
                tile4x2(w, r * DEPTH, x, x0At, x1At, count, c, cAt + r * cStride, cStride);
            }
        } else {
            for (; r <= rows - 6; r += 6) {
                tile6x2(w, r * DEPTH, x, x0At, x1At, count, c, cAt + r * cStride, cStride);
            }
        }
        for (; r < rows; r++) {
            tile1x2(w, r * DEPTH, x, x0At, x1At, count, c, cAt + r * cStride);
        }
    }

    private static void multiplySingle(
            float[] w, int rows, float[] x, int xAt, int count, float[] c, int cAt, int cStride) {
        int r = 0;
        for (; r <= rows - 6; r += 6) {
            tile6x1(w, r * DEPTH, x, xAt, count, c, cAt + r * cStride, cStride);
        }
        for (; r < rows; r++) {
            tile1x1(w, r * DEPTH, x, xAt, count, c, cAt + r * cStride);
        }
    }

    /** Transposes the results: input rows out of the lanes. */
    private static void store(float[] c, int cStride, int rows, int inputs, float[] y, int yAt, int yStride) {
        for (int t = 0; t < inputs; t++) {
            int at = yAt + t * yStride;
            for (int r = 0; r < rows; r++) {
                y[at + r] = c[r * cStride + t];
            }
        }
    }

    private static void tile6x2(
            float[] w, int wAt, float[] x, int x0At, int x1At, int count, float[] c, int cAt, int cStride) {
        int c1At = cAt + cStride;
        int c2At = cAt + 2 * cStride;
        int c3At = cAt + 3 * cStride;
        int c4At = cAt + 4 * cStride;
        int c5At = cAt + 5 * cStride;
        FloatVector acc00 = load(c, cAt);
        FloatVector acc01 = load(c, cAt + COUNT);
        FloatVector acc10 = load(c, c1At);
        FloatVector acc11 = load(c, c1At + COUNT);
        FloatVector acc20 = load(c, c2At);
        FloatVector acc21 = load(c, c2At + COUNT);
        FloatVector acc30 = load(c, c3At);
        FloatVector acc31 = load(c, c3At + COUNT);
        FloatVector acc40 = load(c, c4At);
        FloatVector acc41 = load(c, c4At + COUNT);
        FloatVector acc50 = load(c, c5At);
        FloatVector acc51 = load(c, c5At + COUNT);
        for (int k = 0; k < count; k++) {
            FloatVector x0 = load(x, x0At + k * COUNT);
            FloatVector x1 = load(x, x1At + k * COUNT);
            FloatVector weight = broadcast(w[wAt + k]);
            acc00 = x0.fma(weight, acc00);
            acc01 = x1.fma(weight, acc01);
            weight = broadcast(w[wAt + k + DEPTH]);
            acc10 = x0.fma(weight, acc10);
            acc11 = x1.fma(weight, acc11);
            weight = broadcast(w[wAt + k + 2 * DEPTH]);
            acc20 = x0.fma(weight, acc20);
            acc21 = x1.fma(weight, acc21);
            weight = broadcast(w[wAt + k + 3 * DEPTH]);
            acc30 = x0.fma(weight, acc30);
            acc31 = x1.fma(weight, acc31);
            weight = broadcast(w[wAt + k + 4 * DEPTH]);
            acc40 = x0.fma(weight, acc40);
            acc41 = x1.fma(weight, acc41);
            weight = broadcast(w[wAt + k + 5 * DEPTH]);
            acc50 = x0.fma(weight, acc50);
            acc51 = x1.fma(weight, acc51);
        }
        acc00.intoArray(c, cAt);
        acc01.intoArray(c, cAt + COUNT);
        acc10.intoArray(c, c1At);
        acc11.intoArray(c, c1At + COUNT);
        acc20.intoArray(c, c2At);
        acc21.intoArray(c, c2At + COUNT);
        acc30.intoArray(c, c3At);
        acc31.intoArray(c, c3At + COUNT);
        acc40.intoArray(c, c4At);
        acc41.intoArray(c, c4At + COUNT);
        acc50.intoArray(c, c5At);
        acc51.intoArray(c, c5At + COUNT);
    }

    private static void tile4x2(
            float[] w, int wAt, float[] x, int x0At, int x1At, int count, float[] c, int cAt, int cStride) {
        int c1At = cAt + cStride;
        int c2At = cAt + 2 * cStride;
        int c3At = cAt + 3 * cStride;
        FloatVector acc00 = load(c, cAt);
        FloatVector acc01 = load(c, cAt + COUNT);
        FloatVector acc10 = load(c, c1At);
        FloatVector acc11 = load(c, c1At + COUNT);
        FloatVector acc20 = load(c, c2At);
        FloatVector acc21 = load(c, c2At + COUNT);
        FloatVector acc30 = load(c, c3At);
        FloatVector acc31 = load(c, c3At + COUNT);
        for (int k = 0; k < count; k++) {
            FloatVector x0 = load(x, x0At + k * COUNT);
            FloatVector x1 = load(x, x1At + k * COUNT);
            FloatVector weight = broadcast(w[wAt + k]);
            acc00 = x0.fma(weight, acc00);
            acc01 = x1.fma(weight, acc01);
            weight = broadcast(w[wAt + k + DEPTH]);
            acc10 = x0.fma(weight, acc10);
            acc11 = x1.fma(weight, acc11);
            weight = broadcast(w[wAt + k + 2 * DEPTH]);
            acc20 = x0.fma(weight, acc20);
            acc21 = x1.fma(weight, acc21);
            weight = broadcast(w[wAt + k + 3 * DEPTH]);
            acc30 = x0.fma(weight, acc30);
            acc31 = x1.fma(weight, acc31);
        }
        acc00.intoArray(c, cAt);
        acc01.intoArray(c, cAt + COUNT);
        acc10.intoArray(c, c1At);
        acc11.intoArray(c, c1At + COUNT);
        acc20.intoArray(c, c2At);
        acc21.intoArray(c, c2At + COUNT);
        acc30.intoArray(c, c3At);
        acc31.intoArray(c, c3At + COUNT);
    }

    private static void tile1x2(float[] w, int wAt, float[] x, int x0At, int x1At, int count, float[] c, int cAt) {
        FloatVector acc00 = load(c, cAt);
        FloatVector acc01 = load(c, cAt + COUNT);
        for (int k = 0; k < count; k++) {
            FloatVector x0 = load(x, x0At + k * COUNT);
            FloatVector x1 = load(x, x1At + k * COUNT);
            FloatVector weight = broadcast(w[wAt + k]);
            acc00 = x0.fma(weight, acc00);
            acc01 = x1.fma(weight, acc01);
        }
        acc00.intoArray(c, cAt);
        acc01.intoArray(c, cAt + COUNT);
    }

    private static void tile6x1(float[] w, int wAt, float[] x, int xAt, int count, float[] c, int cAt, int cStride) {
        int c1At = cAt + cStride;
        int c2At = cAt + 2 * cStride;
        int c3At = cAt + 3 * cStride;
        int c4At = cAt + 4 * cStride;
        int c5At = cAt + 5 * cStride;
        FloatVector acc00 = load(c, cAt);
        FloatVector acc10 = load(c, c1At);
        FloatVector acc20 = load(c, c2At);
        FloatVector acc30 = load(c, c3At);
        FloatVector acc40 = load(c, c4At);
        FloatVector acc50 = load(c, c5At);
        for (int k = 0; k < count; k++) {
            FloatVector x0 = load(x, xAt + k * COUNT);
            FloatVector weight = broadcast(w[wAt + k]);
            acc00 = x0.fma(weight, acc00);
            weight = broadcast(w[wAt + k + DEPTH]);
            acc10 = x0.fma(weight, acc10);
            weight = broadcast(w[wAt + k + 2 * DEPTH]);
            acc20 = x0.fma(weight, acc20);
            weight = broadcast(w[wAt + k + 3 * DEPTH]);
            acc30 = x0.fma(weight, acc30);
            weight = broadcast(w[wAt + k + 4 * DEPTH]);
            acc40 = x0.fma(weight, acc40);
            weight = broadcast(w[wAt + k + 5 * DEPTH]);
            acc50 = x0.fma(weight, acc50);
        }
        acc00.intoArray(c, cAt);
        acc10.intoArray(c, c1At);
        acc20.intoArray(c, c2At);
        acc30.intoArray(c, c3At);
        acc40.intoArray(c, c4At);
        acc50.intoArray(c, c5At);
    }

    private static void tile1x1(float[] w, int wAt, float[] x, int xAt, int count, float[] c, int cAt) {
        FloatVector acc00 = load(c, cAt);
        for (int k = 0; k < count; k++) {
            FloatVector x0 = load(x, xAt + k * COUNT);
            FloatVector weight = broadcast(w[wAt + k]);
            acc00 = x0.fma(weight, acc00);
        }
        acc00.intoArray(c, cAt);
    }
}
