package dev.nibble.cpu;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Persistent daemon threads that divide loops among themselves and the calling thread.
 *
 * <p>A forward pass has hundreds of short parallel regions for each token, so a region must start and end in less than
 * a microsecond: idle workers spin for a while before they park, chunks are taken from one atomic counter, and nothing
 * is allocated. A thread that waits reads the weights with which it will begin the next loop. The caller never waits for a worker that did not start: it closes the region when the chunks are used
 * up and waits only for the workers that are inside.
 *
 * <p>Thread-safe: regions of several callers run one after the other, in the order of their calls.
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

    /** How long an idle worker spins before it parks; longer than the serial parts between the regions of a token. */
    private static final long SPIN_NANOS = 200_000;

    /** Spins between two looks at the clock. */
    private static final int SPINS_PER_CLOCK = 64;

    /** What is left is divided by so many for each thread. */
    private static final int SHARES = 3;

    // state: region number in the upper half, then OPEN, then the number of workers inside
    private static final long REGION = 1L << 32;
    private static final long OPEN = 1L << 31;
    private static final long INSIDE = OPEN - 1;

    private final ReentrantLock callers =
            new ReentrantLock(true); // fair, else the next region would overtake who waits
    private final AtomicLong state = new AtomicLong();
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicInteger parked = new AtomicInteger();
    private final Worker[] workers;
    private final ReadAhead readAhead = new ReadAhead();
    private final ReadAhead.Reader reader = readAhead.reader(0); // of the caller
    private volatile boolean closed;
    private volatile @Nullable Throwable failure;

    // of the open region; written by the caller before it opens, read by workers that entered
    private @Nullable Job job;
    private int items;
    private int grain;
    private int shares;

    /**
     * Starts {@code threads - 1} daemon threads; the caller of a loop is the remaining one.
     *
     * @throws IllegalArgumentException if {@code threads} is not positive
     */
    public WorkerPool(int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException("a pool needs at least 1 thread, not " + threads);
        }
        workers = new Worker[threads - 1];
        for (int i = 0; i < workers.length; i++) {
            workers[i] = new Worker(this, i + 1);
        }
        for (Worker worker : workers) {
            worker.start();
        }
    }

    /** The thread count when the user asked for none: one for each physical core this process may use. */
    public static int defaultThreads() {
        return PhysicalCores.count();
    }

    /** Threads that take part in a loop, the caller included. */
    public int threads() {
        return workers.length + 1;
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
    void forEachShrinking(int items, int grain, Job job, ReadAhead.@Nullable Loop loop) {
        forEach(items, grain, SHARES * threads(), job, loop);
    }

    private void forEach(int items, int grain, int shares, Job job, ReadAhead.@Nullable Loop loop) {
        if (items < 0 || grain < 1) {
            throw new IllegalArgumentException("items " + items + " must not be negative, grain " + grain + " not < 1");
        }
        boolean inside = callers.isHeldByCurrentThread()
                || (Thread.currentThread() instanceof Worker worker && worker.pool == this);
        if (inside) {
            throw new IllegalStateException("forEach was called from inside a job of the same pool");
        }
        callers.lock();
        try {
            if (closed) {
                throw new IllegalStateException("the worker pool is closed");
            }
            if (items <= grain || workers.length == 0) {
                if (items > 0) {
                    job.run(0, 0, items);
                }
                return;
            }
            if (shares > 0) {
                readAhead.begin(loop, items, grain, shares);
            }
            runShared(items, grain, shares, job);
        } finally {
            callers.unlock();
        }
    }

    private void runShared(int itemCount, int chunk, int chunkShares, Job shared) {
        job = shared;
        items = itemCount;
        grain = chunk;
        shares = chunkShares;
        // taken before others can, so that each thread knows where it will begin
        int first = chunk(itemCount, chunk, chunkShares);
        next.set(first);
        state.set((state.get() & -REGION) + REGION + OPEN);
        wake((itemCount - 1) / chunk);
        runChunks(0, first);
        leaveRegion();
        job = null;
        Throwable thrown = failure;
        if (thrown != null) {
            failure = null;
            rethrow(thrown);
        }
    }

    /** Closes the region to workers that come late, and waits for those inside: yielding after a while, never parked. */
    @SuppressWarnings("ThreadPriorityCheck") // without it, a worker that lost its processor would have to wait for it
    private void leaveRegion() {
        long inside = state.addAndGet(-OPEN) & INSIDE;
        int spins = 0;
        while (inside != 0) {
            if (++spins % 1024 == 0) {
                Thread.yield();
            } else if (!reader.read()) {
                Thread.onSpinWait();
            }
            inside = state.get() & INSIDE;
        }
    }

    private void wake(int wanted) {
        if (parked.get() == 0) {
            return;
        }
        for (int i = 0; i < workers.length && wanted > 0; i++) {
            if (workers[i].isParked) {
                LockSupport.unpark(workers[i]);
            }
            wanted--;
        }
    }

    /** Handles the items below {@code first}, which are this thread's, then chunks as long as there are any. */
    private void runChunks(int worker, int first) {
        Job shared = job;
        if (shared == null) {
            return;
        }
        try {
            if (first > 0) {
                shared.run(worker, 0, first);
            }
            for (int from = next.get(); from < items; from = next.get()) {
                int to = from + chunk(items - from, grain, shares);
                if (next.compareAndSet(from, to)) {
                    shared.run(worker, from, to);
                }
            }
        } catch (Throwable t) {
            record(t);
        }
    }

    /** Items of the next chunk: whole grains, all of the rest if that is less than one. */
    static int chunk(int left, int grain, int shares) {
        int grains = shares == 0 ? 1 : Math.max(1, left / grain / shares);
        return Math.min(left, grains * grain);
    }

    private synchronized void record(Throwable t) {
        if (failure == null) {
            failure = t;
        }
        next.set(items);
    }

    private static void rethrow(Throwable t) {
        if (t instanceof RuntimeException exception) {
            throw exception;
        }
        if (t instanceof Error error) {
            throw error;
        }
        throw new IllegalStateException("a job threw a checked exception", t);
    }

    /** Ends the threads. A loop that runs is finished first; later ones are refused. */
    @Override
    public void close() {
        callers.lock();
        try {
            closed = true;
            for (Worker worker : workers) {
                LockSupport.unpark(worker);
            }
        } finally {
            callers.unlock();
        }
    }

    private static final class Worker extends Thread {
        private final WorkerPool pool;
        private final int index;
        private final ReadAhead.Reader reader;
        private volatile boolean isParked;

        Worker(WorkerPool pool, int index) {
            super("nibble-worker-" + index);
            this.pool = pool;
            this.index = index;
            reader = pool.readAhead.reader(index);
            setDaemon(true);
        }

        @Override
        public void run() {
            long lastRegion = 0;
            while (!pool.closed) {
                long seen = pool.state.get();
                if ((seen & -REGION) == lastRegion || (seen & OPEN) == 0) {
                    awaitRegion(lastRegion);
                } else if (pool.state.compareAndSet(seen, seen + 1)) {
                    lastRegion = seen & -REGION;
                    pool.runChunks(index, 0);
                    pool.state.getAndDecrement();
                }
            }
        }

        private void awaitRegion(long lastRegion) {
            long deadline = System.nanoTime() + SPIN_NANOS;
            do {
                for (int i = 0; i < SPINS_PER_CLOCK; i++) {
                    if (isOpenAfter(lastRegion)) {
                        return;
                    }
                    if (!reader.read()) {
                        Thread.onSpinWait();
                    }
                }
            } while (System.nanoTime() < deadline);
            isParked = true;
            pool.parked.getAndIncrement();
            // looked at again after the announcement: a caller that opened before saw no one to wake
            while (!isOpenAfter(lastRegion) && !pool.closed) {
                LockSupport.park(pool);
                Thread.interrupted(); // else park would return at once for ever
            }
            pool.parked.getAndDecrement();
            isParked = false;
        }

        private boolean isOpenAfter(long lastRegion) {
            long seen = pool.state.get();
            return (seen & OPEN) != 0 && (seen & -REGION) != lastRegion;
        }
    }
}
