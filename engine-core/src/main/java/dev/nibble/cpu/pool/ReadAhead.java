package dev.nibble.cpu.pool;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * Brings the weights of the next loop into the caches of threads that wait for it. Between two loops one thread works
 * alone, and the memory, which sets the pace of all else, would be idle.
 *
 * <p>Only memory of this process is read ahead. A fault of a mapped file is raised at some later point of the thread that
 * read it: the loop that needs the weights may report that, a thread that waits has no one to report it to.
 *
 * <p>Which loop is next is what followed the last time: a model runs the same ones in the same order for each token.
 */
public final class ReadAhead {
    /** A thread's reading for a loop at most: half of a small second-level cache. */
    static final int MAX_BYTES = 256 << 10;

    /** Read between two looks for work: some tenths of a microsecond. */
    static final int STEP = 2 << 10;

    /** Input rows up to which reading the weights, and not arithmetic, sets a loop's pace. */
    public static final int MAX_ROWS = 8;

    private static final int LINE = 64;

    /** What one loop reads. */
    public static final class Loop {
        private final WeightStream weights;

        // of its last run; plain fields, since a reader that sees an old value only reads in vain
        private int items;
        private int grain;
        private int shares;
        private @Nullable Loop next;

        private Loop(WeightStream weights) {
            this.weights = weights;
        }

        /**
         * A loop over the outputs of a weight, or over those of several that begins with it; null if what it reads is mapped
         * from a file.
         */
        public static @Nullable Loop of(WeightStream weights) {
            return weights.stream().isMapped() ? null : new Loop(weights);
        }

        /** The item with which a thread begins, if all come in their order. */
        private int firstItem(int thread) {
            int item = 0;
            for (int i = 0; i < thread; i++) {
                item += WorkerPool.chunk(items - item, grain, shares);
            }
            return item;
        }
    }

    private @Nullable Loop last;
    private volatile @Nullable Loop coming;

    /**
     * Tells that a loop begins, or one that does not take part: by one thread at a time, the arguments as those of
     * {@link WorkerPool#chunk}.
     */
    void begin(@Nullable Loop loop, int items, int grain, int shares) {
        Loop before = last;
        last = loop;
        if (loop == null) {
            coming = null;
            return;
        }
        loop.items = items;
        loop.grain = grain;
        loop.shares = shares;
        if (before != null) {
            before.next = loop;
        }
        coming = loop.next;
    }

    /** For one thread, by its index in the pool. */
    Reader reader(int thread) {
        return new Reader(thread);
    }

    /** What one thread has read. */
    final class Reader {
        private final int thread;
        private @Nullable Loop loop;
        private MemorySegment stream = MemorySegment.NULL;
        private long at;
        private long end;

        @SuppressWarnings("UnusedVariable") // written, so that the compiler does not leave out the reading
        private int sum;

        private Reader(int thread) {
            this.thread = thread;
        }

        /** Reads up to {@link #STEP} bytes; false if there is nothing to read. */
        boolean read() {
            Loop now = coming;
            if (now != loop) {
                start(now);
            }
            if (at >= end) {
                return false;
            }
            long stop = Math.min(end, at + STEP);
            try {
                for (long i = at; i < stop; i += LINE) {
                    sum += stream.get(ValueLayout.JAVA_BYTE, i);
                }
            } catch (IllegalStateException e) {
                stop = end; // the model was closed
            }
            at = stop;
            return true;
        }

        private void start(@Nullable Loop now) {
            loop = now;
            at = 0;
            end = 0;
            if (now == null) {
                return;
            }
            stream = now.weights.stream();
            int first = now.firstItem(thread);
            if (first < now.weights.rows()) {
                at = now.weights.streamOffset(first);
                end = Math.min(stream.byteSize(), at + MAX_BYTES);
            }
        }
    }
}
