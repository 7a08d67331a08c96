package dev.nibble.cpu.quant;

/**
 * Finds the scale and minimum of a sub-block of a K format, {@code x ~ q * scale - min} with {@code q} from 0 to a
 * highest level and neither scale nor minimum negative.
 *
 * <p>The spread of the values gives a first scale. Around it several candidates are tried; each rounds the values to
 * levels, for which the best scale and minimum follow from weighted least squares. Large values weigh more, because
 * they matter more in the products of a matmul. An instance holds the scratch space and the result of the last fit.
 */
final class AffineFit {
    private static final int CANDIDATES = 24;
    private static final float FIRST = -1.15f;
    private static final float STEP = 0.1f;

    private final int count;
    private final float[] levelsPerRange = new float[CANDIDATES];
    private final float[] sumWq = new float[CANDIDATES];
    private final float[] sumWqq = new float[CANDIDATES];
    private final float[] sumWqt = new float[CANDIDATES];
    private float scale;
    private float min;

    AffineFit(int subBlockSize) {
        this.count = subBlockSize;
    }

    /** The scale found by the last {@link #fit}. */
    float scale() {
        return scale;
    }

    /** What the last {@link #fit} says to subtract. */
    float min() {
        return min;
    }

    /** Fits the sub-block at {@code offset}; the highest level is {@code levels}. */
    void fit(float[] x, int offset, int levels) {
        float low = Math.min(0, Rounding.min(x, offset, count));
        float high = Rounding.max(x, offset, count);
        float range = high - low;
        scale = 0;
        min = -low;
        if (!(range > 0)) {
            return;
        }
        if (Float.isInfinite(range)) {
            throw Rounding.tooLarge(high);
        }
        for (int c = 0; c < CANDIDATES; c++) {
            levelsPerRange[c] = levels + FIRST + STEP * c;
            sumWq[c] = 0;
            sumWqq[c] = 0;
            sumWqt[c] = 0;
        }
        // In units of the range, with the low end at 0, so that squares of tiny or huge values stay floats.
        float zero = -low / range;
        float rms = rms(x, offset, low, range);
        float sumW = 0;
        float sumWt = 0;
        float sumWtt = 0;
        for (int i = 0; i < count; i++) {
            float t = (x[offset + i] - low) / range;
            float w = rms + Math.abs(t - zero);
            sumW += w;
            sumWt += w * t;
            sumWtt += w * t * t;
            accumulate(t, w, levels);
        }
        choose(sumW, sumWt, sumWtt, zero, range);
    }

    private float rms(float[] x, int offset, float low, float range) {
        float squares = 0;
        float zero = -low / range;
        for (int i = 0; i < count; i++) {
            float t = (x[offset + i] - low) / range - zero;
            squares += t * t;
        }
        return (float) Math.sqrt(squares / count);
    }

    /** Adds one value to the sums of all candidates: independent of each other, so the compiler vectorizes the loop. */
    private void accumulate(float t, float w, int levels) {
        for (int c = 0; c < CANDIDATES; c++) {
            float q = Math.min((int) (t * levelsPerRange[c] + 0.5f), levels);
            float wq = w * q;
            sumWq[c] += wq;
            sumWqq[c] += wq * q;
            sumWqt[c] += wq * t;
        }
    }

    private void choose(double sumW, double sumWt, double sumWtt, float zero, float range) {
        double best = Double.POSITIVE_INFINITY;
        for (int c = 0; c < CANDIDATES; c++) {
            double wq = sumWq[c];
            double wqq = sumWqq[c];
            double wqt = sumWqt[c];
            double determinant = sumW * wqq - wq * wq;
            if (!(determinant > 0)) {
                continue;
            }
            double a = (sumW * wqt - sumWt * wq) / determinant;
            double b = (wqq * sumWt - wq * wqt) / determinant;
            if (b > zero) {
                b = zero;
                a = (wqt - zero * wq) / wqq;
            }
            double error = sumWtt + a * (a * wqq + 2 * (b * wq - wqt)) + b * (b * sumW - 2 * sumWt);
            if (error < best && a >= 0) {
                best = error;
                scale = (float) (a * range);
                min = (float) ((zero - b) * range);
            }
        }
    }
}
