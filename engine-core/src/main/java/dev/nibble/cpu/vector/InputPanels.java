package dev.nibble.cpu.vector;

import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.pool.WorkerPool;
import java.util.function.Supplier;

/**
 * Input rows with {@code width} of them side by side: panels of [columns, width]. The last panel is filled up with zeros.
 */
public abstract class InputPanels extends MatmulInput.Packed implements WorkerPool.Job {
    /** Columns a worker transposes at a time: 16 rows of them fit the L1 cache. */
    private static final int GRAIN = 64;

    private final int width;
    private float[] panels = new float[0];
    private float[] source = panels;
    private int inputs;
    private int columns;

    /** Panels of {@code width} input rows. */
    protected InputPanels(int width) {
        this.width = width;
    }

    /** Packs the rows of {@code x} into panels of a class unless that is done. */
    public static <T extends InputPanels> void pack(MatmulInput x, WorkerPool pool, Class<T> form, Supplier<T> create) {
        if (x.packed(form) == null) {
            ((InputPanels) x.repack(form, create)).fill(x, pool);
        }
    }

    private void fill(MatmulInput x, WorkerPool pool) {
        inputs = x.rows();
        columns = x.columns();
        source = x.values();
        int size = Math.multiplyExact(Math.multiplyExact(count(), width), columns);
        if (panels.length < size) {
            panels = new float[size];
        }
        pool.forEach(columns, GRAIN, this);
    }

    @Override
    public void run(int worker, int from, int to) {
        for (int panel = 0; panel < count(); panel++) {
            int base = panel * width * columns;
            int present = Math.min(width, inputs - panel * width);
            for (int k = from; k < to; k++) {
                int at = base + k * width;
                int sourceAt = panel * width * columns + k;
                for (int t = 0; t < present; t++) {
                    panels[at + t] = source[sourceAt + t * columns];
                }
                for (int t = present; t < width; t++) {
                    panels[at + t] = 0;
                }
            }
        }
    }

    /** Number of panels. */
    final int count() {
        return Math.ceilDiv(inputs, width);
    }

    /** Number of input rows. */
    final int inputs() {
        return inputs;
    }

    /** Values of an input row. */
    final int columns() {
        return columns;
    }

    /** The panels, one behind the other. */
    public final float[] values() {
        return panels;
    }
}
