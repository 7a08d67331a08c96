package dev.nibble.cpu.kernel;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Which adapters the rows of the running batch use, each with a scale. Belongs to one forward pass. */
public final class RowAdapters {
    private static final float[] NONE = {};

    private float[][] scales = new float[0][]; // [rows][adapters], empty for a row that uses none
    private boolean any;

    /** Begins a batch of so many rows, none of which uses an adapter. */
    public void begin(int rows) {
        if (any) {
            Arrays.fill(scales, NONE);
            any = false;
        }
        if (scales.length < rows) {
            scales = new float[rows][];
            Arrays.fill(scales, NONE);
        }
    }

    /** Sets what a row uses: a scale for each adapter of the model, 0 for one that it does not; null for none at all. */
    public void set(int row, float @Nullable [] rowScales) {
        scales[row] = rowScales == null ? NONE : rowScales;
        any |= rowScales != null;
    }

    /** Whether any row uses one. */
    boolean any() {
        return any;
    }

    /** The scale of an adapter for a row of the batch. */
    float scale(int row, int adapter) {
        float[] own = scales[row];
        return own.length == 0 ? 0 : own[adapter];
    }
}
