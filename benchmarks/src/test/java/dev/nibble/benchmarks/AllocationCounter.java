package dev.nibble.benchmarks;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.Arrays;

/** Counts what a task allocates, on all threads that take part, as the virtual machine counts it. */
final class AllocationCounter {
    /** The kernels' vectors are objects until they are compiled. */
    private static final long WARM_UP_NANOS = Duration.ofMinutes(1).toNanos();

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private long[] workers = new long[0];
    private long workersBefore;
    private long ownBefore;

    /** Counts from here on; a task may call it where what is to be counted begins. */
    void start() {
        workers = Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("nibble-worker"))
                .mapToLong(Thread::threadId)
                .toArray();
        workersBefore = ofWorkers();
        ownBefore = THREADS.getCurrentThreadAllocatedBytes();
    }

    /** What the workers allocated; negative if one of them, of a pool that was closed, has ended. */
    private long ofWorkers() {
        long[] bytes = THREADS.getThreadAllocatedBytes(workers);
        return Arrays.stream(bytes).anyMatch(count -> count < 0)
                ? -1
                : Arrays.stream(bytes).sum();
    }

    /**
     * Runs the task until it allocates no more than the limit, or for long; says then where it allocates.
     *
     * @return the least bytes of a run
     */
    long count(Runnable task, long limit) {
        long least = Long.MAX_VALUE;
        long deadline = System.nanoTime() + WARM_UP_NANOS;
        while (least > limit && System.nanoTime() < deadline) {
            start();
            task.run();
            long own = THREADS.getCurrentThreadAllocatedBytes() - ownBefore;
            long workersAfter = ofWorkers();
            if (workersBefore >= 0 && workersAfter >= 0) {
                least = Math.min(least, own + workersAfter - workersBefore);
            }
        }
        if (least > limit) {
            System.err.println(AllocationSites.of(task));
        }
        return least;
    }
}
