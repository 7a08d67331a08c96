package dev.nibble.cpu.state;

import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.kernel.RowAdapters;
import dev.nibble.cpu.kernel.VectorOps;
import dev.nibble.cpu.pool.Parts;
import dev.nibble.cpu.pool.ReadAhead;
import dev.nibble.cpu.pool.WorkerPool;
import dev.nibble.spi.ActivationObserver;
import dev.nibble.spi.Batch;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One running evaluation: the rows of the batch, whose they are, and what the operations share. Rows of one sequence
 * that follow each other form a segment.
 */
public final class Pass {
    /**
     * The body of a parallel loop, as {@link WorkerPool.Job}; kept by the operation, so that a loop allocates nothing. The operation
     * itself keeps nothing of a running pass: what its loops need is here, or in the workspace.
     */
    @FunctionalInterface
    public interface Job {
        void run(Pass pass, int worker, int from, int to);
    }

    private static final float[] NONE = new float[0];

    public final WorkerPool pool;
    public final VectorOps ops;
    public final Workspace workspace;

    private final Parts parts = new Parts();
    private int rows;
    private int[] positions = new int[0];
    private int[] tokens = new int[0];
    private CpuSequence[] sequences = new CpuSequence[0];
    private int[] segmentStarts = new int[1];
    private int segments;
    private CpuSequence[] distinct = new CpuSequence[0];
    private int[] distinctRows = new int[0];
    private int distinctCount;
    private @Nullable ActivationObserver observer;
    private BooleanSupplier cancelled = Pass::never;
    private @Nullable Job job;
    private @Nullable MatmulInput input;
    private float[] output = NONE;
    private final WorkerPool.Job runJob = this::runJob;

    public Pass(WorkerPool pool, VectorOps ops, Workspace workspace) {
        this.pool = pool;
        this.ops = ops;
        this.workspace = workspace;
    }

    /** Takes the rows of a batch whose sequences were checked. */
    public void begin(Batch batch, @Nullable ActivationObserver newObserver) {
        observer = newObserver;
        rows = batch.size();
        if (positions.length < rows) {
            sequences = new CpuSequence[rows];
            segmentStarts = new int[rows + 1];
            distinct = new CpuSequence[rows];
            distinctRows = new int[rows];
            tokens = new int[rows];
            positions = new int[rows]; // the last, as it tells the size
        }
        segments = 0;
        distinctCount = 0;
        RowAdapters adapters = workspace.adapters();
        adapters.begin(rows);
        for (int row = 0; row < rows; row++) {
            positions[row] = batch.position(row);
            tokens[row] = batch.token(row);
            sequences[row] = (CpuSequence) batch.sequence(row);
            if (row == 0 || sequences[row] != sequences[row - 1]) {
                segmentStarts[segments++] = row;
            }
            count(sequences[row]);
            adapters.set(row, sequences[row].adapters());
        }
        segmentStarts[segments] = rows;
        workspace.ensureRows(rows);
    }

    private void count(CpuSequence sequence) {
        int i = distinctCount - 1;
        while (i >= 0 && distinct[i] != sequence) {
            i--;
        }
        if (i < 0) {
            i = distinctCount++;
            distinct[i] = sequence;
            distinctRows[i] = 0;
        }
        distinctRows[i]++;
    }

    private static boolean never() {
        return false;
    }

    /** What tells from now on, until the end, whether the caller gave the evaluation up. */
    public void cancelWhen(BooleanSupplier isCancelled) {
        cancelled = isCancelled;
    }

    /**
     * To be called by the caller's thread.
     *
     * @throws CancellationException if the evaluation was given up
     */
    public void checkCancelled() {
        if (cancelled.getAsBoolean()) {
            throw new CancellationException("the evaluation was cancelled");
        }
    }

    /** Lets go of the sequences. */
    public void end() {
        cancelled = Pass::never;
        input = null; // the workspace may be given back
        output = NONE;
        Arrays.fill(sequences, null);
        Arrays.fill(distinct, null);
        distinctCount = 0;
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

    /** The token of a row. */
    public int token(int row) {
        return tokens[row];
    }

    /** Whether a row is the first that the batch has of its sequence. */
    public boolean isFirst(int row) {
        return positions[row] == sequences[row].length();
    }

    public CpuSequence sequence(int row) {
        return sequences[row];
    }

    /** How many sequences the batch has rows of. */
    public int sequences() {
        return distinctCount;
    }

    /** One of the sequences that the batch has rows of. */
    public CpuSequence distinctSequence(int index) {
        return distinct[index];
    }

    /** How many rows of {@link #distinctSequence} there are. */
    public int rowsOf(int index) {
        return distinctRows[index];
    }

    /** Number of segments. */
    public int segments() {
        return segments;
    }

    /** First row of a segment; of the segment after the last one: the number of rows. */
    public int segmentStart(int segment) {
        return segmentStarts[segment];
    }

    /** The only object of a class here, made when it is first asked for: what operations of one kind need while they run. */
    public <T> T part(Class<T> type, Supplier<T> create) {
        return parts.get(type, create);
    }

    /** Likewise of a class whose object is made from an argument. */
    public <T, A> T part(Class<T> type, Function<A, T> create, A argument) {
        return parts.get(type, create, argument);
    }

    /** Reports a result to the observer, if there is one. */
    public void observe(String name, int layer, float[] values, int width) {
        if (observer != null) {
            observer.observe(name, layer, values, rows, width);
        }
    }

    /** Sets what the loops of an operation read and write, until another sets it. */
    public void bind(MatmulInput newInput, float[] newOutput) {
        input = newInput;
        output = newOutput;
    }

    /** What the loops of the running operation read. */
    public MatmulInput input() {
        return Objects.requireNonNull(input);
    }

    /** Where the loops of the running operation write. */
    public float[] output() {
        return output;
    }

    /** Divides {@code items} among the threads, as {@link WorkerPool#forEach}. */
    public void forEach(int items, int grain, Job body) {
        job = body;
        pool.forEach(items, grain, runJob);
    }

    /** As {@link WorkerPool#forEachShrinking}. */
    public void forEachShrinking(int items, int grain, Job body, ReadAhead.@Nullable Loop loop) {
        job = body;
        pool.forEachShrinking(items, grain, runJob, loop);
    }

    /** Where code is cold, a layer of a long prompt takes seconds: so the caller, worker 0, asks before each chunk. */
    private void runJob(int worker, int from, int to) {
        if (worker == 0) {
            checkCancelled();
        }
        if (job != null) {
            job.run(this, worker, from, to);
        }
    }

    /** Rows a worker takes at a time where each row is little work. */
    public int rowGrain() {
        return Math.max(1, Math.min(16, rows / (2 * pool.threads()) + 1));
    }
}
