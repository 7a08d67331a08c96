package dev.nibble.cpu.state;

import dev.nibble.KvCacheTypes;
import dev.nibble.cpu.kernel.VectorOps;
import dev.nibble.model.Model;
import java.io.IOException;
import java.io.StreamCorruptedException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What a decoder's layers read of the source of their sequence: keys and values of the encoder's states. Written once for a source,
 * and shared by sequences that have the same.
 */
final class SourceCache {
    private final KvPool pool;
    private final @Nullable KvCache[] caches;
    private final KvTable table;
    private int length;

    /**
     * Without a source.
     *
     * @param owner whose pages these are
     * @param model with an encoder
     */
    SourceCache(KvPool pool, Object owner, Model model, KvCacheTypes types, VectorOps ops) {
        this.pool = pool;
        KvLayout layout = KvLayout.ofSource(model, types);
        table = new KvTable(pool, owner, layout.groups().getFirst());
        caches = new KvCache[model.blocks().size()];
        for (int layer = 0; layer < caches.length; layer++) {
            List<KvLayout.Place> places = layout.places(layer);
            caches[layer] = places.isEmpty() ? null : new KvCache(table, places.getFirst(), types, ops);
        }
    }

    /** Tokens of the source. */
    int length() {
        return length;
    }

    KvCache cache(int layer) {
        KvCache cache = caches[layer];
        if (cache == null) {
            throw new IllegalStateException("layer " + layer + " does not read the source");
        }
        return cache;
    }

    /** Makes room for the keys and values of another source, which counts once it is {@linkplain #commit committed}. */
    void reserve(int tokens) {
        long missing = table.missingBytes(0, tokens);
        pool.take(missing, tokens);
        try {
            table.reserve(0, tokens, false);
        } finally {
            missing -= table.takeAllocated();
            if (missing > 0) {
                pool.giveBack(missing);
            }
        }
    }

    void commit(int tokens) {
        length = tokens;
    }

    /** Forgets the source. */
    void clear(boolean erases) {
        length = 0;
        table.truncate(0, erases);
    }

    /** Has the source of another; this has none. */
    void share(SourceCache other) {
        table.share(other.table, other.length);
        length = other.length;
    }

    boolean hasOverflowed() {
        for (KvCache cache : caches) {
            if (cache != null && cache.hasOverflowed()) {
                return true;
            }
        }
        return false;
    }

    void forEachPage(Consumer<KvPool.Page> action) {
        table.forEach(action);
    }

    /** Writes the length and then the pages. */
    void save(WritableByteChannel out) throws IOException {
        SavedValues.write(out, length);
        table.save(out, length, this::eraseBehind);
    }

    /** What lies behind the source in its last page. */
    private void eraseBehind(MemorySegment page) {
        for (KvCache cache : caches) {
            if (cache != null) {
                cache.eraseBehind(page, length % KvTable.PAGE);
            }
        }
    }

    /** Reads what {@link #save} wrote, of at most so many tokens; this has no source. */
    void restore(ReadableByteChannel in, int capacity) throws IOException {
        int saved = SavedValues.readInt(in);
        if (saved < 0 || saved > capacity) {
            throw new StreamCorruptedException("a source of " + saved + " tokens does not fit " + capacity);
        }
        table.restore(in, saved);
        length = saved;
    }
}
