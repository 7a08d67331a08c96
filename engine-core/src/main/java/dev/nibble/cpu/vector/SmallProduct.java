package dev.nibble.cpu.vector;

import static dev.nibble.cpu.vector.Lanes.COUNT;
import static dev.nibble.cpu.vector.Lanes.broadcast;
import static dev.nibble.cpu.vector.Lanes.load;

import jdk.incubator.vector.FloatVector;

/**
 * {@code c += a · b} for small matrices in the cache, columns of {@code b} in the lanes: the two products of attention.
 *
 * <p>Every element is one chain of fused multiply-adds in the order of the depth, so it does not depend on how many
 * rows are multiplied together.
 */
final class SmallProduct {
    private SmallProduct() {}

    static void multiplyAdd(
            float[] a,
            int aOffset,
            int aStride,
            int rows,
            int depth,
            float[] b,
            int bOffset,
            int bStride,
            float[] c,
            int cOffset,
            int cStride,
            int columns) {
        int paired = columns / (2 * COUNT) * (2 * COUNT);
        int strips = 0;
        if (COUNT != 8) {
            strips = rows / 6 * 6;
            for (int r = 0; r < strips; r += 6) {
                for (int j = 0; j < paired; j += 2 * COUNT) {
                    tile6x2(
                            a,
                            aOffset + r * aStride,
                            aStride,
                            depth,
                            b,
                            bOffset + j,
                            bStride,
                            c,
                            cOffset + r * cStride + j,
                            cStride);
                }
            }
        }
        int r = strips;
        for (; r <= rows - 4; r += 4) {
            for (int j = 0; j < paired; j += 2 * COUNT) {
                tile4x2(
                        a,
                        aOffset + r * aStride,
                        aStride,
                        depth,
                        b,
                        bOffset + j,
                        bStride,
                        c,
                        cOffset + r * cStride + j,
                        cStride);
            }
        }
        for (; r < rows; r++) {
            int j = 0;
            for (; j <= paired - 4 * COUNT; j += 4 * COUNT) {
                tile1x4(a, aOffset + r * aStride, depth, b, bOffset + j, bStride, c, cOffset + r * cStride + j);
            }
            for (; j < paired; j += COUNT) {
                tile1x1(a, aOffset + r * aStride, depth, b, bOffset + j, bStride, c, cOffset + r * cStride + j);
            }
        }
        if (columns - paired >= COUNT) {
            multiplyVector(
                    a, aOffset, aStride, rows, depth, b, bOffset + paired, bStride, c, cOffset + paired, cStride);
            paired += COUNT;
        }
        for (int j = paired; j < columns; j++) {
            multiplyColumn(a, aOffset, aStride, rows, depth, b, bOffset + j, bStride, c, cOffset + j, cStride);
        }
    }

    private static void multiplyVector(
            float[] a,
            int aOffset,
            int aStride,
            int rows,
            int depth,
            float[] b,
            int bAt,
            int bStride,
            float[] c,
            int cOffset,
            int cStride) {
        int r = 0;
        for (; r <= rows - 4; r += 4) {
            tile4x1(a, aOffset + r * aStride, aStride, depth, b, bAt, bStride, c, cOffset + r * cStride, cStride);
        }
        for (; r < rows; r++) {
            tile1x1(a, aOffset + r * aStride, depth, b, bAt, bStride, c, cOffset + r * cStride);
        }
    }

    private static void multiplyColumn(
            float[] a,
            int aOffset,
            int aStride,
            int rows,
            int depth,
            float[] b,
            int bAt,
            int bStride,
            float[] c,
            int cOffset,
            int cStride) {
        for (int r = 0; r < rows; r++) {
            float sum = c[cOffset + r * cStride];
            for (int k = 0; k < depth; k++) {
                sum = Math.fma(a[aOffset + r * aStride + k], b[bAt + k * bStride], sum);
            }
            c[cOffset + r * cStride] = sum;
        }
    }

    private static void tile6x2(
            float[] a,
            int aAt,
            int aStride,
            int depth,
            float[] b,
            int bAt,
            int bStride,
            float[] c,
            int cAt,
            int cStride) {
        int a1At = aAt + aStride;
        int a2At = aAt + 2 * aStride;
        int a3At = aAt + 3 * aStride;
        int a4At = aAt + 4 * aStride;
        int a5At = aAt + 5 * aStride;
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
        for (int k = 0; k < depth; k++) {
            int bRow = bAt + k * bStride;
            FloatVector b0 = load(b, bRow);
            FloatVector b1 = load(b, bRow + COUNT);
            FloatVector factor = broadcast(a[aAt + k]);
            acc00 = b0.fma(factor, acc00);
            acc01 = b1.fma(factor, acc01);
            factor = broadcast(a[a1At + k]);
            acc10 = b0.fma(factor, acc10);
            acc11 = b1.fma(factor, acc11);
            factor = broadcast(a[a2At + k]);
            acc20 = b0.fma(factor, acc20);
            acc21 = b1.fma(factor, acc21);
            factor = broadcast(a[a3At + k]);
            acc30 = b0.fma(factor, acc30);
            acc31 = b1.fma(factor, acc31);
            factor = broadcast(a[a4At + k]);
            acc40 = b0.fma(factor, acc40);
            acc41 = b1.fma(factor, acc41);
            factor = broadcast(a[a5At + k]);
            acc50 = b0.fma(factor, acc50);
            acc51 = b1.fma(factor, acc51);
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
            float[] a,
            int aAt,
            int aStride,
            int depth,
            float[] b,
            int bAt,
            int bStride,
            float[] c,
            int cAt,
            int cStride) {
        int a1At = aAt + aStride;
        int a2At = aAt + 2 * aStride;
        int a3At = aAt + 3 * aStride;
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
        for (int k = 0; k < depth; k++) {
            int bRow = bAt + k * bStride;
            FloatVector b0 = load(b, bRow);
            FloatVector b1 = load(b, bRow + COUNT);
            FloatVector factor = broadcast(a[aAt + k]);
            acc00 = b0.fma(factor, acc00);
            acc01 = b1.fma(factor, acc01);
            factor = broadcast(a[a1At + k]);
            acc10 = b0.fma(factor, acc10);
            acc11 = b1.fma(factor, acc11);
            factor = broadcast(a[a2At + k]);
            acc20 = b0.fma(factor, acc20);
            acc21 = b1.fma(factor, acc21);
            factor = broadcast(a[a3At + k]);
            acc30 = b0.fma(factor, acc30);
            acc31 = b1.fma(factor, acc31);
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

    private static void tile4x1(
            float[] a,
            int aAt,
            int aStride,
            int depth,
            float[] b,
            int bAt,
            int bStride,
            float[] c,
            int cAt,
            int cStride) {
        int a1At = aAt + aStride;
        int a2At = aAt + 2 * aStride;
        int a3At = aAt + 3 * aStride;
        int c1At = cAt + cStride;
        int c2At = cAt + 2 * cStride;
        int c3At = cAt + 3 * cStride;
        FloatVector acc00 = load(c, cAt);
        FloatVector acc10 = load(c, c1At);
        FloatVector acc20 = load(c, c2At);
        FloatVector acc30 = load(c, c3At);
        for (int k = 0; k < depth; k++) {
            int bRow = bAt + k * bStride;
            FloatVector b0 = load(b, bRow);
            FloatVector factor = broadcast(a[aAt + k]);
            acc00 = b0.fma(factor, acc00);
            factor = broadcast(a[a1At + k]);
            acc10 = b0.fma(factor, acc10);
            factor = broadcast(a[a2At + k]);
            acc20 = b0.fma(factor, acc20);
            factor = broadcast(a[a3At + k]);
            acc30 = b0.fma(factor, acc30);
        }
        acc00.intoArray(c, cAt);
        acc10.intoArray(c, c1At);
        acc20.intoArray(c, c2At);
        acc30.intoArray(c, c3At);
    }

    private static void tile1x4(float[] a, int aAt, int depth, float[] b, int bAt, int bStride, float[] c, int cAt) {
        FloatVector acc00 = load(c, cAt);
        FloatVector acc01 = load(c, cAt + COUNT);
        FloatVector acc02 = load(c, cAt + 2 * COUNT);
        FloatVector acc03 = load(c, cAt + 3 * COUNT);
        for (int k = 0; k < depth; k++) {
            int bRow = bAt + k * bStride;
            FloatVector b0 = load(b, bRow);
            FloatVector b1 = load(b, bRow + COUNT);
            FloatVector b2 = load(b, bRow + 2 * COUNT);
            FloatVector b3 = load(b, bRow + 3 * COUNT);
            FloatVector factor = broadcast(a[aAt + k]);
            acc00 = b0.fma(factor, acc00);
            acc01 = b1.fma(factor, acc01);
            acc02 = b2.fma(factor, acc02);
            acc03 = b3.fma(factor, acc03);
        }
        acc00.intoArray(c, cAt);
        acc01.intoArray(c, cAt + COUNT);
        acc02.intoArray(c, cAt + 2 * COUNT);
        acc03.intoArray(c, cAt + 3 * COUNT);
    }

    private static void tile1x1(float[] a, int aAt, int depth, float[] b, int bAt, int bStride, float[] c, int cAt) {
        FloatVector acc00 = load(c, cAt);
        for (int k = 0; k < depth; k++) {
            int bRow = bAt + k * bStride;
            FloatVector b0 = load(b, bRow);
            FloatVector factor = broadcast(a[aAt + k]);
            acc00 = b0.fma(factor, acc00);
        }
        acc00.intoArray(c, cAt);
    }
}
