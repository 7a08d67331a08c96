package dev.nibble.cpu.op;

import dev.nibble.cpu.state.Pass;
import dev.nibble.model.Norm;
import org.jspecify.annotations.Nullable;

/** Normalizes the rows of a batch in parallel; one object for a pass, so that a loop allocates nothing. */
public final class NormJob {
    private static final float[] NONE = new float[0];

    private final Pass.Job rows = this::normalize;
    private @Nullable Norm norm;
    private float[] in = NONE;
    private float[] out = NONE;
    private int width;

    void run(Pass pass, Norm newNorm, float[] newIn, float[] newOut, int newWidth) {
        norm = newNorm;
        in = newIn;
        out = newOut;
        width = newWidth;
        pass.forEach(pass.rows(), pass.rowGrain(), rows);
        in = NONE; // the workspace may be given back
        out = NONE;
    }

    private void normalize(Pass pass, int worker, int from, int to) {
        if (norm != null) {
            for (int row = from; row < to; row++) {
                RowNorm.apply(pass.ops, norm, in, row * width, out, row * width);
            }
        }
    }
}
