package dev.nibble.cpu;

import dev.nibble.KvCacheType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * The keys and values of one attention layer of one sequence, off-heap.
 *
 * <p>Memory comes in pages of {@link #PAGE} positions, allocated when they are first written, so that a large context
 * costs only what is used; a smaller capacity is one page of its size. Within a page the layout is [kvHead, position, element]: the keys of a head lie together.
 * A layer with a sliding window keeps a ring of pages that holds the window and one batch.
 */
public final class KvCache {
    /** Positions of a page. */
    public static final int PAGE = 256;

    private final int kvHeadCount;
    private final int keyDim;
    private final int valueDim;
    private final KvCodec codec;
    private final int slots;
    /** Positions of this cache's pages. */
    private final int page;

    private final int pageCount;
    /** The pages so far: a context may be far longer than what is ever used of it. */
    private MemorySegment[] keyPages = new MemorySegment[0];

    private MemorySegment[] valuePages = new MemorySegment[0];
    private final Arena arena;

    /**
     * @param capacity positions of the sequence
     * @param window positions a query sees, 0 for all
     * @param maxBatchRows rows written before the first of them is read
     */
    KvCache(
            int kvHeadCount,
            int keyDim,
            int valueDim,
            KvCacheType type,
            int capacity,
            int window,
            int maxBatchRows,
            VectorOps ops,
            Arena arena) {
        this.kvHeadCount = kvHeadCount;
        this.keyDim = keyDim;
        this.valueDim = valueDim;
        this.codec = KvCodec.of(type, ops);
        this.arena = arena;
        slots = slots(capacity, window, maxBatchRows);
        page = Math.min(PAGE, slots);
        pageCount = Math.ceilDiv(slots, page);
    }

    /** Positions that are kept: all, or the window and a batch, in whole pages. */
    private static int slots(int capacity, int window, int maxBatchRows) {
        if (window == 0 || window >= capacity) {
            return capacity;
        }
        long ring = ((long) window + maxBatchRows + PAGE - 1) / PAGE * PAGE;
        return (int) Math.min(capacity, ring);
    }

    /** Bytes a full cache of these dimensions takes. */
    static long bytes(
            int kvHeadCount, int keyDim, int valueDim, KvCacheType type, int capacity, int window, int maxBatchRows) {
        int slots = slots(capacity, window, maxBatchRows);
        int page = Math.min(PAGE, slots);
        long pages = ((long) slots + page - 1) / page;
        return pages * page * kvHeadCount * (KvCodec.rowBytes(type, keyDim) + KvCodec.rowBytes(type, valueDim));
    }

    /** Allocates the pages for positions up to {@code end}. */
    void reserve(int end) {
        int pages = Math.ceilDiv(Math.min(end, slots), page);
        if (pages > keyPages.length) {
            int length = (int) Math.min(pageCount, Math.max(pages, 2L * keyPages.length));
            keyPages = Arrays.copyOf(keyPages, length);
            valuePages = Arrays.copyOf(valuePages, length);
        }
        for (int i = 0; i < pages; i++) {
            if (keyPages[i] == null) {
                keyPages[i] = arena.allocate((long) kvHeadCount * page * codec.rowBytes(keyDim), 64);
                valuePages[i] = arena.allocate((long) kvHeadCount * page * codec.rowBytes(valueDim), 64);
            }
        }
    }

    /** Whether positions from {@code from} are still there after {@code written} have been written. */
    boolean holds(int from, int written) {
        return from >= written - slots;
    }

    /** Stores the key and the value of a position: [kvHeadCount, dim] each. */
    void write(int position, float[] keys, int keyOffset, float[] values, int valueOffset) {
        int slot = position % slots;
        MemorySegment keyPage = keyPages[slot / page];
        MemorySegment valuePage = valuePages[slot / page];
        for (int head = 0; head < kvHeadCount; head++) {
            long row = (long) head * page + slot % page;
            codec.write(keys, keyOffset + head * keyDim, keyDim, keyPage, row * codec.rowBytes(keyDim));
            codec.write(values, valueOffset + head * valueDim, valueDim, valuePage, row * codec.rowBytes(valueDim));
        }
    }

    /** How many positions from {@code position} on, up to {@code end}, lie in one page. */
    int run(int position, int end) {
        int slot = position % slots;
        return Math.min(end - position, Math.min(page - slot % page, slots - slot));
    }

    /** Reads the keys of {@code count} positions of one page: [count, keyDim]. */
    void readKeys(int head, int position, int count, float[] out) {
        read(keyPages, keyDim, head, position, count, out);
    }

    /** Reads the values of {@code count} positions of one page: [count, valueDim]. */
    void readValues(int head, int position, int count, float[] out) {
        read(valuePages, valueDim, head, position, count, out);
    }

    private void read(MemorySegment[] pages, int dim, int head, int position, int count, float[] out) {
        int slot = position % slots;
        long row = (long) head * page + slot % page;
        codec.read(pages[slot / page], row * codec.rowBytes(dim), out, 0, count * dim);
    }
}
