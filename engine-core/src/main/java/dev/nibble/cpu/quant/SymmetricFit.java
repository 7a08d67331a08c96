package dev.nibble.cpu.quant;

/**
 * Finds the scale of a sub-block, {@code x ~ q * scale} with {@code q} from {@code -levels} to {@code levels - 1}.
 *
 * <p>The value of largest magnitude is put near the end {@code -levels}, which makes the scale negative when that value
 * is positive. Around this first scale several candidates are tried; each rounds the values to levels, for which the
 * best scale follows from least squares with the squared values as weights.
 */
final class SymmetricFit {
    private static final int REACH = 9;
    private static final float STEP = 0.1f;

    private SymmetricFit() {}

    /** The scale for {@code count} values at {@code offset}; 0 if all are 0. */
    static float scale(float[] x, int offset, int count, int levels) {
        float extreme = Rounding.extreme(x, offset, count);
        if (extreme == 0) {
            return 0;
        }
        double best = -1;
        double scale = 0;
        for (int c = -REACH; c <= REACH; c++) {
            float inverse = -(levels + STEP * c) / extreme;
            double sumQx = 0;
            double sumQq = 0;
            for (int i = 0; i < count; i++) {
                double value = x[offset + i];
                int q = Math.clamp(Rounding.round(x[offset + i] * inverse), -levels, levels - 1);
                double weighted = value * value * q;
                sumQx += weighted * value;
                sumQq += weighted * q;
            }
            // sumQx^2 / sumQq is by how much the best scale for these q lowers the squared error.
            if (sumQq > 0 && sumQx * sumQx > best * sumQq) {
                scale = sumQx / sumQq;
                best = scale * sumQx;
            }
        }
        return (float) scale;
    }
}
