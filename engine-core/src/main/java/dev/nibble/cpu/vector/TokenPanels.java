package dev.nibble.cpu.vector;

import static dev.nibble.cpu.vector.Lanes.COUNT;

import dev.nibble.cpu.MatmulInput;
import dev.nibble.cpu.WorkerPool;

/**
 * Input rows with tokens in the lanes: panels of {@link Lanes#COUNT} tokens, each [columns, COUNT]. The last panel is
 * filled up with zeros.
 */
final class TokenPanels extends MatmulInput.Packed implements WorkerPool.Job {
    /** Columns a worker transposes at a time: 16 rows of them fit the L1 cache. */
    private static final int GRAIN = 64;

    private float[] panels = new float[0];
    private float[] source = panels;
    private int tokens;
    private int columns;

    /** Packs the rows of {@code x} unless that is done. */
    static void pack(MatmulInput x, WorkerPool pool) {
        if (x.packed(TokenPanels.class) == null) {
            x.repack(TokenPanels.class, TokenPanels::new).fill(x, pool);
        }
    }

    private void fill(MatmulInput x, WorkerPool pool) {
        tokens = x.rows();
        columns = x.columns();
        source = x.values();
        int size = Math.multiplyExact(Math.multiplyExact(count(), COUNT), columns);
        if (panels.length < size) {
            panels = new float[size];
        }
        pool.forEach(columns, GRAIN, this);
    }

    @Override
    public void run(int worker, int from, int to) {
        for (int panel = 0; panel < count(); panel++) {
            int base = panel * COUNT * columns;
            int present = Math.min(COUNT, tokens - panel * COUNT);
            for (int k = from; k < to; k++) {
                int at = base + k * COUNT;
                int sourceAt = panel * COUNT * columns + k;
                for (int t = 0; t < present; t++) {
                    panels[at + t] = source[sourceAt + t * columns];
                }
                for (int t = present; t < COUNT; t++) {
                    panels[at + t] = 0;
                }
            }
        }
    }

    /** Number of panels. */
    int count() {
        return (tokens + COUNT - 1) / COUNT;
    }

    int tokens() {
        return tokens;
    }

    int columns() {
        return columns;
    }

    float[] values() {
        return panels;
    }
}
