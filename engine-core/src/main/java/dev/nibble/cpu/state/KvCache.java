package dev.nibble.cpu.state;

import dev.nibble.KvCacheType;
import dev.nibble.cpu.kernel.VectorOps;
import dev.nibble.cpu.pool.Scratch;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * The keys and values of one attention layer of one sequence, off-heap.
 *
 * <p>Memory comes in pages of {@link #PAGE} positions, allocated when they are first written, so that a large context
 * costs only what is used; a smaller capacity is one page of its size, in whole blocks. Within a page the keys, and the
 * values, of a head lie together, as {@link KvCodec} says. They are read in blocks of {@link #BLOCK} positions.
 * A layer with a sliding window keeps a ring of pages that holds the window and one batch.
 */
public final class KvCache {
    /** Positions of a page. */
    public static final int PAGE = 256;

    /** Positions of a block, which are read together. */
    public static final int BLOCK = KvCodec.BLOCK;

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
    public KvCache(
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

    /** Positions that are kept: all, or the window and a batch, in whole pages; if less than a page, in whole blocks. */
    private static int slots(int capacity, int window, int maxBatchRows) {
        long needed = window == 0 ? capacity : Math.min(capacity, (long) window + maxBatchRows);
        int unit = needed < PAGE ? KvCodec.BLOCK : PAGE;
        return (int) Math.min(Integer.MAX_VALUE / PAGE * PAGE, (needed + unit - 1) / unit * unit);
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
    public void reserve(int end) {
        int pages = Math.ceilDiv(Math.min(end, slots), page);
        if (pages > keyPages.length) {
            int length = (int) Math.min(pageCount, Math.max(pages, 2L * keyPages.length));
            keyPages = Arrays.copyOf(keyPages, length);
            valuePages = Arrays.copyOf(valuePages, length);
        }
        for (int i = 0; i < pages; i++) {
            if (keyPages[i] == null) {
                keyPages[i] = arena.allocate((long) kvHeadCount * page * codec.rowBytes(keyDim), 64);
            }
            if (valuePages[i] == null) { // also where there was no memory for it the last time
                valuePages[i] = arena.allocate((long) kvHeadCount * page * codec.rowBytes(valueDim), 64);
            }
        }
    }

    /** Whether positions from {@code from} are still there after {@code written} have been written. */
    boolean holds(int from, int written) {
        return from >= written - slots;
    }

    /** Stores the key and the value of a position: [kvHeadCount, dim] each. */
    public void write(int position, float[] keys, int keyOffset, float[] values, int valueOffset, Scratch scratch) {
        int slot = position % slots;
        MemorySegment keyPage = keyPages[slot / page];
        MemorySegment valuePage = valuePages[slot / page];
        int inBlock = slot % KvCodec.BLOCK;
        for (int head = 0; head < kvHeadCount; head++) {
            long row = rowOf(head, slot);
            long block = (row - inBlock) * codec.rowBytes(keyDim);
            codec.writeKey(keys, keyOffset + head * keyDim, keyDim, keyPage, block, inBlock, scratch);
            codec.writeValue(
                    values,
                    valueOffset + head * valueDim,
                    valueDim,
                    valuePage,
                    row * codec.rowBytes(valueDim),
                    scratch);
        }
    }

    /**
     * Reads the keys of a block of positions, [keyDim, BLOCK]. Those of positions that were not written, or too long
     * ago, are anything.
     *
     * @param position first of the block, a multiple of {@link #BLOCK}
     */
    public void readKeys(int head, int position, float[] out, Scratch scratch) {
        int slot = position % slots;
        codec.readKeys(keyPages[slot / page], rowOf(head, slot) * codec.rowBytes(keyDim), keyDim, out, scratch);
    }

    /** Reads the values of {@code count} positions of one block: [count, valueDim]. */
    public void readValues(int head, int position, int count, float[] out, Scratch scratch) {
        int slot = position % slots;
        codec.readValues(
                valuePages[slot / page], rowOf(head, slot) * codec.rowBytes(valueDim), count * valueDim, out, scratch);
    }

    /** Whether something was stored that is too large for the type, and became an infinity. */
    public boolean hasOverflowed() {
        for (int i = 0; i < keyPages.length; i++) {
            if (keyPages[i] != null && (codec.hasOverflowed(keyPages[i]) || codec.hasOverflowed(valuePages[i]))) {
                return true;
            }
        }
        return false;
    }

    private long rowOf(int head, int slot) {
        return (long) head * page + slot % page;
    }
}
