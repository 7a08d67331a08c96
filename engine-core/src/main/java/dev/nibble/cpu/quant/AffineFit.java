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
    private static final int CANDIDATES = 21;
    private static final float FIRST = -1f;
    private static final float STEP = 0.1f;

    private final float[] weights;
    private float scale;
    private float min;

    AffineFit(int subBlockSize) {
        this.weights = new float[subBlockSize];
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
        int count = weights.length;
        float low = Math.min(0, Rounding.min(x, offset, count));
        float high = Rounding.max(x, offset, count);
        double sumSquares = 0;
        for (int i = 0; i < count; i++) {
            sumSquares += (double) x[offset + i] * x[offset + i];
        }
        scale = 0;
        min = -low;
        if (high <= low) {
            return;
        }
        float rms = (float) Math.sqrt(sumSquares / count);
        double sumW = 0;
        double sumWx = 0;
        double sumWxx = 0;
        for (int i = 0; i < count; i++) {
            float value = x[offset + i];
            weights[i] = rms + Math.abs(value);
            sumW += weights[i];
            sumWx += (double) weights[i] * value;
            sumWxx += (double) weights[i] * value * value;
        }
        double best = Double.POSITIVE_INFINITY;
        for (int c = 0; c < CANDIDATES; c++) {
            float inverse = (levels + FIRST + STEP * c) / (high - low);
            double sumWq = 0;
            double sumWqq = 0;
            double sumWqx = 0;
            for (int i = 0; i < count; i++) {
                float value = x[offset + i];
                int q = Math.clamp(Rounding.round((value - low) * inverse), 0, levels);
                double wq = weights[i] * q;
                sumWq += wq;
                sumWqq += wq * q;
                sumWqx += wq * value;
            }
            double determinant = sumW * sumWqq - sumWq * sumWq;
            if (!(determinant > 0)) {
                continue;
            }
            double a = (sumW * sumWqx - sumWx * sumWq) / determinant;
            double b = (sumWqq * sumWx - sumWq * sumWqx) / determinant;
            if (b > 0) {
                a = sumWqx / sumWqq;
                b = 0;
            }
            double error = sumWxx + a * (a * sumWqq + 2 * (b * sumWq - sumWqx)) + b * (b * sumW - 2 * sumWx);
            if (error < best && a >= 0) {
                best = error;
                scale = (float) a;
                min = (float) -b;
            }
        }
    }
}
