package dev.nibble.cpu.state;

import java.io.IOException;
import java.io.StreamCorruptedException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.util.Arrays;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The pages of one sequence for the layers that see equally far: a table by position. Pages that a window has left behind are
 * given back. A page that others hold too is copied before it is written where they read.
 */
final class KvTable {
    /**
     * Positions of a page, one block of keys. A page holds all layers, so that it is large all the same, and sharing a prefix
     * copies or evaluates no more than a block of positions.
     */
    static final int PAGE = KvCodec.BLOCK;

    private static final KvPool.Page[] NONE = {};

    private final KvPool pool;
    /** Whose pages these are. */
    private final Object owner;

    private final KvLayout.Group group;

    private KvPool.@Nullable Page[] pages = NONE;
    /** Of the pages that are there, the first and the one behind the last. */
    private int first;

    private int end;
    /** Bytes of the pages made since this was asked for. */
    private long allocated;

    KvTable(KvPool pool, Object owner, KvLayout.Group group) {
        this.pool = pool;
        this.owner = owner;
        this.group = group;
    }

    /** The memory of a position's page. */
    MemorySegment memory(int position) {
        KvPool.Page page = pages[position / PAGE];
        if (page == null) {
            throw new IllegalStateException("position " + position + " is not in memory");
        }
        return page.memory;
    }

    /** Bytes that {@link #reserve} will allocate. */
    long missingBytes(int from, int to) {
        int missing = pagesFor(to) - Math.max(end, firstFor(from, to));
        return (Math.max(0L, missing) + (mustCopy(from) ? 1 : 0)) * group.pageBytes();
    }

    /**
     * Makes the positions from {@code from}, where the sequence ends, to {@code to} writable, and gives back those that no query sees
     * from there on. Memory was taken.
     */
    void reserve(int from, int to, boolean clears) {
        int kept = Math.min(firstFor(from, to), end);
        while (first < kept) {
            drop(first++, clears);
        }
        if (first == end) {
            first = Math.max(first, firstFor(from, to));
            end = first;
        }
        if (mustCopy(from)) {
            KvPool.Page shared = page(from / PAGE);
            KvPool.Page own = allocate();
            MemorySegment.copy(shared.memory, 0, own.memory, 0, group.pageBytes());
            pages[from / PAGE] = own;
            pool.release(shared, owner, clears);
        }
        int wanted = pagesFor(to);
        if (wanted > pages.length) {
            pages = Arrays.copyOf(pages, Math.max(wanted, (int) Math.min(2L * pages.length, Integer.MAX_VALUE / PAGE)));
        }
        while (end < wanted) {
            pages[end] = allocate();
            end++; // only if there was memory for it
        }
    }

    private KvPool.Page allocate() {
        KvPool.Page page = pool.allocate(group.pageBytes(), owner);
        allocated += group.pageBytes();
        return page;
    }

    /** Bytes that were allocated since the last call. */
    long takeAllocated() {
        long bytes = allocated;
        allocated = 0;
        return bytes;
    }

    private boolean mustCopy(int from) {
        int index = from / PAGE;
        return index >= first && index < end && !pool.mayWrite(page(index), owner, from % PAGE);
    }

    private KvPool.Page page(int index) {
        KvPool.Page page = pages[index];
        if (page == null) {
            throw new IllegalStateException("page " + index + " is not in memory");
        }
        return page;
    }

    /** Whether all is there that the query at a position sees. */
    boolean holds(int position) {
        return (long) first * PAGE <= (group.window() == 0 ? 0 : Math.max(0, position - group.window()));
    }

    /** Lets go of the pages behind the first {@code length} positions. */
    void truncate(int length, boolean clears) {
        int kept = pagesFor(length);
        while (end > first && end > kept) {
            drop(--end, clears);
        }
        if (end == first) {
            first = 0;
            end = 0;
        }
    }

    /** Begins with the pages of another's first {@code length} positions; this has none. */
    void share(KvTable other, int length) {
        int count = pagesFor(length);
        pages = new KvPool.Page[count];
        first = Math.min(other.first, count);
        for (end = first; end < count; end++) {
            KvPool.Page page = other.page(end);
            pool.share(page, other.owner, Math.min(PAGE, length - end * PAGE));
            pages[end] = page;
        }
    }

    private void drop(int index, boolean clears) {
        KvPool.Page page = page(index);
        pages[index] = null;
        pool.release(page, owner, clears);
    }

    void forEach(Consumer<KvPool.Page> action) {
        for (int i = first; i < end; i++) {
            action.accept(page(i));
        }
    }

    private static int pagesFor(int positions) {
        return Math.ceilDiv(positions, PAGE);
    }

    /** The first page that is kept when positions from {@code from} to {@code to} are evaluated. */
    private int firstFor(int from, int to) {
        return group.window() == 0 ? 0 : Math.max(0, Math.min(to - group.reach(), from - group.window())) / PAGE;
    }

    /**
     * Writes the number of the first page and then the pages.
     *
     * @param eraser erases, in a copy of a page that is not full, what lies behind its last position
     */
    void save(WritableByteChannel out, int length, Consumer<MemorySegment> eraser) throws IOException {
        SavedValues.write(out, first);
        int count = pagesFor(length);
        for (int i = first; i < count; i++) {
            MemorySegment memory = page(i).memory;
            if (i == count - 1 && length % PAGE != 0) {
                try (Arena arena = Arena.ofConfined()) {
                    MemorySegment copy = arena.allocate(memory.byteSize(), 64).copyFrom(memory);
                    eraser.accept(copy);
                    SavedValues.write(out, copy);
                }
            } else {
                SavedValues.write(out, memory);
            }
        }
    }

    /** Reads what {@link #save} wrote; this has no pages. */
    void restore(ReadableByteChannel in, int length) throws IOException {
        int from = SavedValues.readInt(in);
        int count = pagesFor(length);
        if (from < 0
                || from > count
                || (long) from * PAGE > Math.max(0, group.window() == 0 ? 0 : length - group.window())) {
            throw new StreamCorruptedException("the first page of " + count + " cannot be " + from);
        }
        pages = new KvPool.Page[count];
        first = from;
        end = from;
        while (end < count) {
            pool.take(group.pageBytes(), PAGE);
            try {
                pages[end] = allocate();
            } finally {
                if (takeAllocated() == 0) {
                    pool.giveBack(group.pageBytes());
                }
            }
            end++;
            SavedValues.read(in, page(end - 1).memory);
        }
    }
}
