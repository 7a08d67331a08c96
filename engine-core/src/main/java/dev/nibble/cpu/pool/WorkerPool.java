package dev.nibble.cpu.pool;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The threads among which a model divides its loops: some of the {@link Workers} that it shares with others, or all of its own.
 *
 * <p>Thread-safe: loops of several callers run one after the other, in the order of their calls, also those of other pools
 * with the same workers.
 */
public final class WorkerPool implements AutoCloseable {

    /** The body of a parallel loop. */
    @FunctionalInterface
    public interface Job {
        /**
         * Handles the items from {@code from} to {@code to}, exclusive.
         *
         * @param worker index of the executing thread, below {@link WorkerPool#threads()}; two executions that run at
         *     the same time have different ones
         */
        void run(int worker, int from, int to);
    }

    /** Small ones of compiled code, more than the calls of an evaluation take. */
    private static final int STACK_FRAMES = 1024;

    /** What is left is divided by so many for each thread. */
    private static final int SHARES = 3;

    private final Workers workers;
    private final boolean ownsWorkers;
    private final Scratch[] scratches;
    private final ReadAhead readAhead = new ReadAhead();
    private final ReadAhead.Reader[] readers;
    private volatile boolean closed;

    /**
     * A pool with workers of its own: {@code threads - 1} daemon threads; the caller of a loop is the remaining one.
     *
     * @throws IllegalArgumentException if {@code threads} is not positive
     */
    public WorkerPool(int threads) {
        this(new Workers(threads), threads, true);
    }

    /**
     * A pool of so many of the workers, which are started if they are not there, and outlive it.
     *
     * @throws IllegalArgumentException if {@code threads} is not positive
     */
    public WorkerPool(Workers workers, int threads) {
        this(workers, threads, false);
    }

    private WorkerPool(Workers workers, int threads, boolean ownsWorkers) {
        this.workers = workers;
        this.ownsWorkers = ownsWorkers;
        scratches = workers.grow(threads);
        readers = new ReadAhead.Reader[threads];
        Arrays.setAll(readers, readAhead::reader);
    }

    /** The thread count when the user asked for none: one for each physical core this process may use. */
    public static int defaultThreads() {
        return PhysicalCores.count();
    }

    /**
     * Fails where so little of the calling thread's stack is left that a loop might be unable to end as it should: a lock could not
     * be given back. What calls loops from methods of its own asks once, before it begins.
     *
     * @throws StackOverflowError if it is too little
     */
    public static void requireStack() {
        int used = useStack(STACK_FRAMES);
        assert used == STACK_FRAMES;
    }

    private static int useStack(int frames) {
        return frames == 0 ? 0 : useStack(frames - 1) + 1;
    }

    /** Threads that take part in a loop, the caller included. */
    public int threads() {
        return scratches.length;
    }

    /** The memory of a worker: for a job, and only while it runs with this index. It is freed with the workers. */
    public Scratch scratch(int worker) {
        return scratches[worker];
    }

    /**
     * Runs {@code job} over the items 0 to {@code items}, exclusive, in chunks of {@code grain} that threads take as
     * they become free; a single thread takes all in one. Returns when all are done.
     *
     * <p>What the job throws ends the loop early and is thrown here, the first of several.
     *
     * @throws IllegalArgumentException if {@code items} is negative or {@code grain} is not positive
     * @throws IllegalStateException if the pool is closed, or the call comes from inside a job of this pool
     */
    public void forEach(int items, int grain, Job job) {
        forEach(items, grain, 0, job, null);
    }

    /**
     * As {@link #forEach}, but in chunks that shrink from a share of what is left down to {@code grain} items: long
     * stretches of memory at first, and at the end no thread waits long for another.
     *
     * @param loop says which weights are read, so that threads that wait may read those of the next loop; null if none
     *     need be read ahead
     */
    public void forEachShrinking(int items, int grain, Job job, ReadAhead.@Nullable Loop loop) {
        forEach(items, grain, SHARES * threads(), job, loop);
    }

    private void forEach(int items, int grain, int shares, Job job, ReadAhead.@Nullable Loop loop) {
        if (items < 0 || grain < 1) {
            throw new IllegalArgumentException("items " + items + " must not be negative, grain " + grain + " not < 1");
        }
        workers.run(this, items, grain, shares, job, loop);
    }

    /** Before a loop is divided: tells those that wait what comes next. */
    void readAhead(ReadAhead.@Nullable Loop loop, int items, int grain, int shares) {
        if (shares > 0) {
            readAhead.begin(loop, items, grain, shares);
        }
    }

    /** What reads ahead in a thread, by its index. */
    ReadAhead.Reader reader(int thread) {
        return readers[thread];
    }

    /** Items of the next chunk: whole grains, all of the rest if that is less than one. */
    static int chunk(int left, int grain, int shares) {
        int grains = shares == 0 ? 1 : Math.max(1, left / grain / shares);
        return Math.min(left, grains * grain);
    }

    /**
     * Keeps the workers for the loops of the calling thread until {@link #giveBack}: an evaluation has hundreds, and with each
     * another model could come between.
     *
     * @return for {@link #giveBack}
     */
    public int keep() {
        return workers.keep();
    }

    /** Ends what {@link #keep} began, which returned {@code kept}. */
    public void giveBack(int kept) {
        workers.giveBack(kept);
    }

    /** To be called now and then between two loops of one who keeps the workers: those that have waited long go first. */
    public void letOthers() {
        workers.letOthers();
    }

    void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the worker pool is closed");
        }
    }

    /** A loop that runs is finished first; later ones are refused. Workers of its own end, and their memory is freed. */
    @Override
    public void close() {
        int kept = workers.keep();
        try {
            closed = true;
            readAhead.begin(null, 0, 1, 1);
        } finally {
            workers.giveBack(kept);
        }
        if (ownsWorkers) {
            workers.close();
        }
    }
}
