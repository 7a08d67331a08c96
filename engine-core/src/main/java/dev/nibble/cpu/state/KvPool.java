package dev.nibble.cpu.state;

import dev.nibble.spi.SequenceMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The pages of all sequences of a forward pass: how many bytes there are, and how many sequences hold each page. Memory is taken
 * when a page is made and given back when nobody holds it any more. Thread-safe.
 */
public final class KvPool {
    private static final SequenceMemory UNLIMITED = new SequenceMemory() {
        @Override
        public void take(long bytes, int tokens) {}

        @Override
        public void giveBack(long bytes) {}
    };

    private volatile SequenceMemory memory = UNLIMITED;

    // guarded by this

    private long bytes;
    private long pages;

    /** {@link KvTable#PAGE} positions of all layers of a kind. What changes is guarded by the pool. */
    static final class Page {
        final MemorySegment memory;
        private final Arena arena = Arena.ofShared();
        private int holders = 1;
        /** Who may write behind what others may read. */
        private @Nullable Object writer;
        /** Positions that others may read. */
        private int shared;

        private Page(long size, Object writer) {
            this.writer = writer;
            MemorySegment allocated = null;
            try {
                allocated = arena.allocate(size, 64);
            } finally {
                if (allocated == null) {
                    arena.close();
                }
            }
            memory = allocated;
        }
    }

    /** Has somebody asked before memory is taken, from now on. */
    public void limit(SequenceMemory limit) {
        memory = limit;
    }

    /** Bytes of all sequences, each page counted once. */
    public synchronized long bytes() {
        return bytes;
    }

    /** Pages that are held. */
    public synchronized long pages() {
        return pages;
    }

    /**
     * Takes memory before it is allocated.
     *
     * @param tokens for how many more
     */
    void take(long count, int tokens) {
        memory.take(count, tokens);
        synchronized (this) {
            bytes += count;
        }
    }

    void giveBack(long count) {
        synchronized (this) {
            bytes -= count;
        }
        memory.giveBack(count);
    }

    /** A page of zeros, for which memory was taken. */
    Page allocate(long size, Object writer) {
        Page page = new Page(size, writer);
        synchronized (this) {
            pages++;
        }
        return page;
    }

    /**
     * Holds a page once more.
     *
     * @param owner whose page it is
     * @param positions that are read in it
     */
    synchronized void share(Page page, Object owner, int positions) {
        page.holders++;
        if (page.writer == owner) {
            page.shared = Math.max(page.shared, positions);
        }
    }

    /**
     * Whether a holder may write to a page from a position on: nobody else holds it, or the holder made it and nobody else reads there.
     * Who holds it alone is from then on the one who writes.
     */
    synchronized boolean mayWrite(Page page, Object holder, int position) {
        if (page.holders == 1) {
            page.writer = holder;
            page.shared = 0;
            return true;
        }
        return page.writer == holder && position >= page.shared;
    }

    /**
     * Lets go of a page.
     *
     * @param clears whether what it holds is erased before it is freed
     */
    void release(Page page, Object holder, boolean clears) {
        synchronized (this) {
            if (page.writer == holder) {
                page.writer = null;
            }
            if (--page.holders > 0) {
                return;
            }
            pages--;
        }
        long size = page.memory.byteSize();
        if (clears) {
            page.memory.fill((byte) 0);
        }
        page.arena.close();
        giveBack(size);
    }

    /** For each of some sequences, the bytes it holds and that nobody but these sequences holds. */
    public synchronized long[] freeableBytes(List<CpuSequence> sequences) {
        Map<Page, Integer> counts = holders(sequences);
        long[] freeable = new long[sequences.size()];
        for (int i = 0; i < freeable.length; i++) {
            long[] sum = {sequences.get(i).takenStateBytes()};
            sequences.get(i).forEachPage(page -> {
                if (counts.getOrDefault(page, 0) == page.holders) {
                    sum[0] += page.memory.byteSize();
                }
            });
            freeable[i] = sum[0];
        }
        return freeable;
    }

    /** How many of some sequences hold each of their pages. */
    private static Map<Page, Integer> holders(Collection<CpuSequence> sequences) {
        Map<Page, Integer> counts = new HashMap<>();
        sequences.forEach(sequence -> sequence.forEachPage(page -> counts.merge(page, 1, Integer::sum)));
        return counts;
    }

    /** Bytes that nobody holds but these. */
    public synchronized long heldOnlyBy(Collection<CpuSequence> sequences) {
        Map<Page, Integer> counts = holders(sequences);
        long sum = 0;
        for (CpuSequence sequence : sequences) {
            sum += sequence.takenStateBytes();
        }
        for (Map.Entry<Page, Integer> each : counts.entrySet()) {
            if (each.getValue() == each.getKey().holders) {
                sum += each.getKey().memory.byteSize();
            }
        }
        return sum;
    }
}
