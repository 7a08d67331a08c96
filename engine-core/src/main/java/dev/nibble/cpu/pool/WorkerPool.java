package dev.nibble.cpu.pool;

import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Persistent daemon threads that divide loops among themselves and the calling thread.
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

    /** Spins of a caller that waits for workers between two times it yields. */
    private static final int SPINS_PER_YIELD = 1024;

    /** Small ones of compiled code, more than the calls of an evaluation take. */
    private static final int STACK_FRAMES = 1024;

    /** No region: they are numbered from 1 on. */
    private static final long NONE = 0;

    /** What is left is divided by so many for each thread. */
    private static final int SHARES = 3;

    private final ReentrantLock callers =
            new ReentrantLock(true); // fair, else the next region would overtake who waits
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    private final Worker[] workers;
    private final Scratch[] scratches;
    private final ReadAhead readAhead = new ReadAhead();
    private final ReadAhead.Reader reader = readAhead.reader(0); // of the caller
    private volatile boolean closed;

    /** Number of the region that workers may enter, {@link #NONE} if there is none; written by the caller. */
    private volatile long open = NONE;

    // of the caller

    /** Regions so far. */
    private long regions = NONE;

    /** From before a region opens until no worker is inside. */
    private boolean inRegion;

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
        scratches = new Scratch[threads];
        Arrays.setAll(scratches, i -> new Scratch());
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
        return workers.length + 1;
    }

    /** The memory of a worker: for a job, and only while it runs with this index. It is freed with the pool. */
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
            try {
                if (inRegion) { // an error came while the region was left
                    leaveRegion(false);
                    failure.set(null);
                }
            } finally {
                callers.unlock();
            }
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
        regions++;
        inRegion = true;
        try {
            open = regions;
            wake((itemCount - 1) / chunk);
            runChunks(0, first);
        } finally {
            leaveRegion(true);
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
     * @param mayRead whether it may read ahead meanwhile, the only thing in it that could fail
     */
    @SuppressWarnings("ThreadPriorityCheck") // without it, a worker that lost its processor would have to wait for it
    private void leaveRegion(boolean mayRead) {
        open = NONE;
        for (Worker worker : workers) {
            for (int spins = 1; worker.inside != NONE; spins++) {
                if (spins % SPINS_PER_YIELD == 0) {
                    Thread.yield();
                } else if (!mayRead || !reader.read()) {
                    Thread.onSpinWait();
                }
            }
        }
        job = null;
        inRegion = false;
    }

    private void wake(int wanted) {
        for (int i = 0; i < workers.length && i < wanted; i++) {
            if (workers[i].isParked) {
                LockSupport.unpark(workers[i]);
            }
        }
    }

    /** Handles the items below {@code first}, which are this thread's, then chunks as long as there are any. */
    private void runChunks(int worker, int first) {
        try {
            Job shared = Objects.requireNonNull(job);
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
            failure.compareAndSet(null, t);
            next.set(items);
        }
    }

    /** Items of the next chunk: whole grains, all of the rest if that is less than one. */
    static int chunk(int left, int grain, int shares) {
        int grains = shares == 0 ? 1 : Math.max(1, left / grain / shares);
        return Math.min(left, grains * grain);
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

    /** Ends the threads, and frees their memory. A loop that runs is finished first; later ones are refused. */
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
        private final WorkerPool pool;
        private final int index;
        private final ReadAhead.Reader reader;

        /** The region that this thread is in, or looks whether it is still open; {@link #NONE} while it is outside. */
        private volatile long inside = NONE;

        private volatile boolean isParked;
        private long lastRegion = NONE;

        Worker(WorkerPool pool, int index) {
            super("nibble-worker-" + index);
            this.pool = pool;
            this.index = index;
            reader = pool.readAhead.reader(index);
            setDaemon(true);
        }

        @Override
        public void run() {
            while (!pool.closed) {
                try {
                    serve();
                } catch (Throwable t) { // not of the job, or while that was reported
                    pool.failure.compareAndSet(null, t);
                }
                inside = NONE;
                isParked = false;
            }
        }

        private void serve() {
            while (!pool.closed) {
                long region = pool.open;
                if (region == NONE || region == lastRegion) {
                    awaitRegion();
                    continue;
                }
                inside = region;
                // looked at again after the announcement: from now on a caller that closes the region waits
                if (pool.open == region) {
                    lastRegion = region;
                    pool.runChunks(index, 0);
                }
                inside = NONE;
            }
        }

        private void awaitRegion() {
            long deadline = System.nanoTime() + SPIN_NANOS;
            do {
                for (int i = 0; i < SPINS_PER_CLOCK; i++) {
                    if (isOpen()) {
                        return;
                    }
                    if (!reader.read()) {
                        Thread.onSpinWait();
                    }
                }
            } while (System.nanoTime() < deadline);
            isParked = true;
            // looked at again after the announcement: a caller that opened before saw no one to wake
            while (!isOpen() && !pool.closed) {
                LockSupport.park(pool);
                Thread.interrupted(); // else park would return at once for ever
            }
            isParked = false;
        }

        /** Whether there is a region that this thread was not in. */
        private boolean isOpen() {
            long region = pool.open;
            return region != NONE && region != lastRegion;
        }
    }
}
