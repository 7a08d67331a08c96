package dev.nibble.cpu.vector;

import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.pool.WorkerPool;
import java.util.function.Supplier;

/**
 * Input rows with some tokens side by side: panels of {@code width} tokens, each [columns, width]. The last panel is filled
 * up with zeros.
 */
public abstract class TokenPanels extends MatmulInput.Packed implements WorkerPool.Job {
    /** Columns a worker transposes at a time: 16 rows of them fit the L1 cache. */
    private static final int GRAIN = 64;

    private final int width;
    private float[] panels = new float[0];
    private float[] source = panels;
    private int tokens;
    private int columns;

    /** Panels of {@code width} tokens. */
    protected TokenPanels(int width) {
        this.width = width;
    }

    /** Packs the rows of {@code x} into panels of a class unless that is done. */
    public static <T extends TokenPanels> void pack(MatmulInput x, WorkerPool pool, Class<T> form, Supplier<T> create) {
        if (x.packed(form) == null) {
            ((TokenPanels) x.repack(form, create)).fill(x, pool);
        }
    }

    private void fill(MatmulInput x, WorkerPool pool) {
        tokens = x.rows();
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
            int present = Math.min(width, tokens - panel * width);
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
        return Math.ceilDiv(tokens, width);
    }

    /** Number of tokens. */
    final int tokens() {
        return tokens;
    }

    /** Values of a token. */
    final int columns() {
        return columns;
    }

    /** The panels, one behind the other. */
    public final float[] values() {
        return panels;
    }
}
