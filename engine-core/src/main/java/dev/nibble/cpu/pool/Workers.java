package dev.nibble.cpu.pool;

import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Persistent daemon threads that divide loops among themselves and the calling thread; the {@link WorkerPool}s of all models
 * of an engine share them.
 *
 * <p>A forward pass has hundreds of short parallel regions for each token, so a region must start and end in less than
 * a microsecond: idle workers spin for a while before they park, chunks are taken from one atomic counter, and nothing
 * is allocated. A thread that waits reads the weights with which it will begin the next loop. The caller never waits for a
 * worker that did not start: it closes the region when the chunks are used up and waits only for the workers that are inside.
 *
 * <p>No error, whenever it comes, makes the caller return while a worker is inside, or ends a worker. The virtual machine
 * raises that of a fault on mapped memory at some later point of the thread that read it, perhaps outside the job. So each
 * thread's part of the state is a field that only it writes, with values that may be written twice; there is no count that an
 * error could leave wrong. An error that comes after its loop has ended is thrown by the next one.
 *
 * <p>Thread-safe: regions of several callers run one after the other, in the order of their calls. A caller may keep the
 * workers for many regions, so that two models do not change places at each of them.
 */
public final class Workers implements AutoCloseable {
    /** How long an idle worker spins before it parks; longer than the serial parts between the regions of a token. */
    private static final long SPIN_NANOS = 200_000;

    /** Spins between two looks at the clock. */
    private static final int SPINS_PER_CLOCK = 64;

    /** Spins of a caller that waits for workers between two times it yields. */
    private static final int SPINS_PER_YIELD = 1024;

    /** How long a caller that keeps the workers lets another wait: much longer than it takes to change places. */
    private static final long SLICE_NANOS = 5_000_000;

    /** No region: they are numbered from 1 on. */
    private static final long NONE = 0;

    private final ReentrantLock callers =
            new ReentrantLock(true); // fair, else the next region would overtake who waits
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    private volatile boolean closed;

    /** Number of the region that workers may enter, {@link #NONE} if there is none; written by the caller. */
    private volatile long open = NONE;

    // of the caller, guarded by its lock

    private Worker[] workers = new Worker[0];
    private Scratch[] scratches = {new Scratch()};

    /** Regions so far. */
    private long regions = NONE;

    /** Whether a job runs, alone or in a region. */
    private boolean inJob;

    /** From before a region opens until no worker is inside. */
    private boolean inRegion;

    /** When the caller that keeps the workers took them. */
    private long keptSince;

    // of the open region; written by the caller before it opens, read by workers that entered
    private @Nullable WorkerPool pool;
    private WorkerPool.@Nullable Job job;
    private int threads;
    private int items;
    private int grain;
    private int shares;

    /**
     * Starts {@code threads - 1} daemon threads; the caller of a loop is the remaining one.
     *
     * @throws IllegalArgumentException if {@code threads} is not positive
     */
    public Workers(int threads) {
        grow(threads);
    }

    /**
     * The memory of so many workers, the caller included, which are started if they are not there.
     *
     * @throws IllegalArgumentException if {@code count} is not positive
     * @throws IllegalStateException if this is closed
     */
    Scratch[] grow(int count) {
        if (count < 1) {
            throw new IllegalArgumentException("a pool needs at least 1 thread, not " + count);
        }
        callers.lock();
        try {
            requireOpen();
            int before = scratches.length;
            if (count > before) {
                scratches = Arrays.copyOf(scratches, count);
                workers = Arrays.copyOf(workers, count - 1);
                for (int index = before; index < count; index++) {
                    scratches[index] = new Scratch();
                    workers[index - 1] = new Worker(this, index);
                    workers[index - 1].start();
                }
            }
            return Arrays.copyOf(scratches, count);
        } finally {
            callers.unlock();
        }
    }

    /** Threads that take part in a loop at most, the caller included. */
    int threads() {
        callers.lock();
        try {
            return scratches.length;
        } finally {
            callers.unlock();
        }
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the worker pool is closed");
        }
    }

    /**
     * Keeps the workers for the regions of the calling thread until {@link #giveBack}.
     *
     * @return for {@link #giveBack}
     */
    int keep() {
        callers.lock();
        int before = callers.getHoldCount() - 1;
        if (before == 0) {
            inJob = false; // an error may have left it
            keptSince = System.nanoTime();
        }
        return before;
    }

    /** Lets others have the workers; what an error kept from being unlocked since {@link #keep}, too. */
    void giveBack(int before) {
        while (callers.getHoldCount() > before) {
            callers.unlock();
        }
    }

    /** Between two regions of a caller that keeps the workers: lets those that have waited go first. */
    void letOthers() {
        if (callers.hasQueuedThreads() && callers.getHoldCount() == 1 && System.nanoTime() - keptSince > SLICE_NANOS) {
            callers.unlock();
            callers.lock();
            keptSince = System.nanoTime();
        }
    }

    /** Runs a loop of a pool, see there. */
    void run(
            WorkerPool caller,
            int itemCount,
            int chunk,
            int chunkShares,
            WorkerPool.Job shared,
            ReadAhead.@Nullable Loop loop) {
        boolean inside = (callers.isHeldByCurrentThread() && inJob)
                || (Thread.currentThread() instanceof Worker worker && worker.workers == this);
        if (inside) {
            throw new IllegalStateException("forEach was called from inside a job of the same pool");
        }
        callers.lock();
        try {
            requireOpen();
            caller.requireOpen();
            inJob = true;
            if (itemCount <= chunk || caller.threads() == 1) {
                if (itemCount > 0) {
                    shared.run(0, 0, itemCount);
                }
                return;
            }
            caller.readAhead(loop, itemCount, chunk, chunkShares);
            runShared(caller, itemCount, chunk, chunkShares, shared);
        } finally {
            try {
                if (inRegion) { // an error came while the region was left
                    leaveRegion(null);
                    failure.set(null);
                }
            } finally {
                inJob = false;
                callers.unlock();
            }
        }
    }

    private void runShared(WorkerPool caller, int itemCount, int chunk, int chunkShares, WorkerPool.Job shared) {
        pool = caller;
        job = shared;
        threads = caller.threads();
        items = itemCount;
        grain = chunk;
        shares = chunkShares;
        // taken before others can, so that each thread knows where it will begin
        int first = WorkerPool.chunk(itemCount, chunk, chunkShares);
        next.set(first);
        regions++;
        inRegion = true;
        try {
            open = regions;
            wake((itemCount - 1) / chunk);
            runChunks(0, first);
        } finally {
            leaveRegion(caller.reader(0));
        }
        Throwable thrown = failure.get();
        if (thrown != null) {
            failure.set(null);
            rethrow(thrown);
        }
    }

    /**
     * Closes the region to workers that come late, and waits for those inside: yielding after a while, never parked. Where an
     * error ends it, it is called once more.
     *
     * @param reader reads ahead meanwhile, the only thing in it that could fail; null if nothing may
     */
    @SuppressWarnings("ThreadPriorityCheck") // without it, a worker that lost its processor would have to wait for it
    private void leaveRegion(ReadAhead.@Nullable Reader reader) {
        open = NONE;
        for (Worker worker : workers) {
            for (int spins = 1; worker.inside != NONE; spins++) {
                if (spins % SPINS_PER_YIELD == 0) {
                    Thread.yield();
                } else if (reader == null || !reader.read()) {
                    Thread.onSpinWait();
                }
            }
        }
        job = null;
        pool = null;
        inRegion = false;
    }

    private void wake(int wanted) {
        for (int i = 0; i < threads - 1 && i < wanted; i++) {
            if (workers[i].isParked) {
                LockSupport.unpark(workers[i]);
            }
        }
    }

    /** Handles the items below {@code first}, which are this thread's, then chunks as long as there are any. */
    private void runChunks(int worker, int first) {
        try {
            WorkerPool.Job shared = Objects.requireNonNull(job);
            if (first > 0) {
                shared.run(worker, 0, first);
            }
            for (int from = next.get(); from < items; from = next.get()) {
                int to = from + WorkerPool.chunk(items - from, grain, shares);
                if (next.compareAndSet(from, to)) {
                    shared.run(worker, from, to);
                }
            }
        } catch (Throwable t) {
            failure.compareAndSet(null, t);
            next.set(items);
        }
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

    /** Ends the threads, and frees their memory. What runs is finished first; later loops are refused. */
    @Override
    public void close() {
        callers.lock();
        try {
            closed = true;
            for (Worker worker : workers) {
                LockSupport.unpark(worker);
            }
            for (Scratch scratch : scratches) {
                scratch.close();
            }
        } finally {
            callers.unlock();
        }
    }

    private static final class Worker extends Thread {
        private final Workers workers;
        private final int index;

        /** The region that this thread is in, or looks whether it is still open; {@link #NONE} while it is outside. */
        private volatile long inside = NONE;

        private volatile boolean isParked;
        private long lastRegion = NONE;

        /** Of the pool whose loop this thread was in last. */
        private ReadAhead.@Nullable Reader reader;

        Worker(Workers workers, int index) {
            super("nibble-worker-" + index);
            this.workers = workers;
            this.index = index;
            setDaemon(true);
        }

        @Override
        public void run() {
            while (!workers.closed) {
                try {
                    serve();
                } catch (Throwable t) { // not of the job, or while that was reported
                    workers.failure.compareAndSet(null, t);
                }
                inside = NONE;
                isParked = false;
            }
        }

        private void serve() {
            while (!workers.closed) {
                long region = workers.open;
                if (!isOpen(region)) {
                    awaitRegion();
                    continue;
                }
                inside = region;
                // looked at again after the announcement: from now on a caller that closes the region waits
                if (workers.open == region) {
                    lastRegion = region;
                    if (index < workers.threads) {
                        reader = Objects.requireNonNull(workers.pool).reader(index);
                        workers.runChunks(index, 0);
                    }
                }
                inside = NONE;
            }
        }

        private void awaitRegion() {
            long deadline = System.nanoTime() + SPIN_NANOS;
            do {
                for (int i = 0; i < SPINS_PER_CLOCK; i++) {
                    if (isOpen(workers.open)) {
                        return;
                    }
                    if (reader == null || !reader.read()) {
                        Thread.onSpinWait();
                    }
                }
            } while (System.nanoTime() < deadline);
            reader = null; // it keeps a model from being collected
            isParked = true;
            // looked at again after the announcement: a caller that opened before saw no one to wake
            while (!isOpen(workers.open) && !workers.closed) {
                LockSupport.park(workers);
                Thread.interrupted(); // else park would return at once for ever
            }
            isParked = false;
        }

        /** Whether a region is one for this thread, in which it was not; for sure only while the region cannot be left. */
        private boolean isOpen(long region) {
            return region != NONE && region != lastRegion && index < workers.threads;
        }
    }
}
