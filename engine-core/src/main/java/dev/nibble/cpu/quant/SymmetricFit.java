package dev.nibble.cpu.quant;

/**
 * Finds the scale of a sub-block, {@code x ~ q * scale} with {@code q} from {@code -levels} to {@code levels - 1}.
 *
 * <p>The value of largest magnitude is put near the end {@code -levels}, which makes the scale negative when that value
 * is positive. Around this first scale several candidates are tried; each rounds the values to levels, for which the
 * best scale follows from least squares with the squared values as weights. An instance holds the scratch space.
 */
final class SymmetricFit {
    private static final int CANDIDATES = 24;
    private static final float FIRST = -1.15f;
    private static final float STEP = 0.1f;

    private final int levels;
    private final float[] levelsPerExtreme = new float[CANDIDATES];
    private final float[] sumQt = new float[CANDIDATES];
    private final float[] sumQq = new float[CANDIDATES];

    SymmetricFit(int levels) {
        this.levels = levels;
        for (int c = 0; c < CANDIDATES; c++) {
            levelsPerExtreme[c] = -(levels + FIRST + STEP * c);
        }
    }

    /** The scale for {@code count} values at {@code offset}; 0 if all are 0. */
    float scale(float[] x, int offset, int count) {
        float extreme = Rounding.extreme(x, offset, count);
        if (extreme == 0) {
            return 0;
        }
        for (int c = 0; c < CANDIDATES; c++) {
            sumQt[c] = 0;
            sumQq[c] = 0;
        }
        for (int i = 0; i < count; i++) {
            accumulate(x[offset + i] / extreme);
        }
        float best = -1;
        float scale = 0;
        for (int c = 0; c < CANDIDATES; c++) {
            // sumQt^2 / sumQq is by how much the best scale for these q lowers the squared error.
            if (sumQq[c] > 0 && sumQt[c] * sumQt[c] > best * sumQq[c]) {
                scale = sumQt[c] / sumQq[c];
                best = scale * sumQt[c];
            }
        }
        return scale * extreme;
    }

    /** Adds one value to the sums of all candidates: independent of each other, so the compiler vectorizes the loop. */
    private void accumulate(float t) {
        float w = t * t;
        for (int c = 0; c < CANDIDATES; c++) {
            // Shifted to be positive, because a cast cuts towards 0.
            int shifted = Math.clamp((int) (t * levelsPerExtreme[c] + (levels + 0.5f)), 0, 2 * levels - 1);
            float q = shifted - levels;
            float wq = w * q;
            sumQt[c] += wq * t;
            sumQq[c] += wq * q;
        }
    }
}
