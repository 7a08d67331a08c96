package dev.nibble.cpu;

import dev.nibble.spi.ActivationObserver;
import dev.nibble.spi.Batch;
import org.jspecify.annotations.Nullable;

/**
 * One running evaluation: the rows of the batch, whose they are, and what the operations share. Rows of one sequence
 * that follow each other form a segment.
 */
public final class Pass {
    public final WorkerPool pool;
    public final VectorOps ops;
    public final Workspace workspace;

    private int rows;
    private int[] positions = new int[0];
    private CpuSequence[] sequences = new CpuSequence[0];
    private int[] segmentStarts = new int[1];
    private int segments;
    private @Nullable ActivationObserver observer;

    Pass(WorkerPool pool, VectorOps ops, Workspace workspace) {
        this.pool = pool;
        this.ops = ops;
        this.workspace = workspace;
    }

    /** Takes the rows of a batch whose sequences were checked. */
    void begin(Batch batch, @Nullable ActivationObserver newObserver) {
        observer = newObserver;
        rows = batch.size();
        if (positions.length < rows) {
            positions = new int[rows];
            sequences = new CpuSequence[rows];
            segmentStarts = new int[rows + 1];
        }
        segments = 0;
        for (int row = 0; row < rows; row++) {
            positions[row] = batch.position(row);
            sequences[row] = (CpuSequence) batch.sequence(row);
            if (row == 0 || sequences[row] != sequences[row - 1]) {
                segmentStarts[segments++] = row;
            }
        }
        segmentStarts[segments] = rows;
        workspace.ensureRows(rows);
    }

    /** Lets go of the sequences. */
    void end() {
        java.util.Arrays.fill(sequences, null);
        observer = null;
    }

    /** Rows of the batch. */
    public int rows() {
        return rows;
    }

    /** Position of a row in its sequence. */
    public int position(int row) {
        return positions[row];
    }

    CpuSequence sequence(int row) {
        return sequences[row];
    }

    /** Number of segments. */
    int segments() {
        return segments;
    }

    /** First row of a segment; of the segment after the last one: the number of rows. */
    int segmentStart(int segment) {
        return segmentStarts[segment];
    }

    /** Reports a result to the observer, if there is one. */
    void observe(String name, int layer, float[] values, int width) {
        if (observer != null) {
            observer.observe(name, layer, values, rows, width);
        }
    }

    /** Rows a worker takes at a time where each row is little work. */
    public int rowGrain() {
        return Math.max(1, Math.min(16, rows / (2 * pool.threads()) + 1));
    }
}
