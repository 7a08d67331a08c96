package dev.nibble.generate;

import dev.nibble.OutOfMemoryException;
import dev.nibble.jfr.Events;
import dev.nibble.memory.MemoryBudget;
import dev.nibble.spi.ForwardPass;
import dev.nibble.spi.Sequence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What the sessions of a model have evaluated, for sessions that begin with the same tokens, at the same time or later. An entry is
 * the tokens and a sequence that shares the memory of the session's; a session takes over as much of one as agrees token for token.
 * Where the layers cannot go back, as recurrent ones cannot, an entry stands for its last position only, and there are several of one
 * text: of its end, of parts of it, and of where others were seen to go on differently.
 *
 * <p>Entries count as the model's KV cache. The one used longest ago goes first, from its end. Thread-safe.
 */
public final class PrefixCache implements MemoryBudget.Reclaimable, AutoCloseable {
    /** Tokens that are worth sharing: a page is copied for them at the most. */
    static final int LEAST = 16;

    /** Among so many all are looked through. */
    private static final int MAX_ENTRIES = 1024;

    /** Tokens by which an entry is cut at least. */
    private static final int CUT = 64;

    private final ForwardPass pass;
    private final MemoryBudget engine;
    private final ReentrantLock lock = new ReentrantLock();

    // guarded by the lock

    private final List<Entry> entries = new ArrayList<>(); // the one used last is the last
    private boolean closed;
    private long hits;
    private long sharedTokens;

    private static final class Entry {
        final KvKind kind;
        final Sequence sequence;
        int[] tokens;
        /** Whether its memory is being handed on. */
        boolean pinned;

        Entry(KvKind kind, Sequence sequence, int[] tokens) {
            this.kind = kind;
            this.sequence = sequence;
            this.tokens = tokens;
        }
    }

    /**
     * An empty one.
     *
     * @param engine whose models give up what they keep for each other
     */
    public PrefixCache(ForwardPass pass, MemoryBudget engine) {
        this.pass = pass;
        this.engine = engine;
        engine.add(this);
    }

    /** How many of the first {@code limit} tokens of a text can be taken over. */
    int find(KvKind kind, int[] tokens, int limit) {
        lock.lock();
        try {
            Entry best = best(kind, tokens, limit);
            return best == null ? 0 : usable(best, tokens, limit);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Has a sequence begin with what an entry holds, if that is more than the sequence does.
     *
     * @param tokens those of the sequence, and those that are to be evaluated next
     * @param limit how many of them may come from here
     * @return how many tokens there are in common with an entry: where the sequence ends now, or behind that
     */
    int share(Sequence sequence, KvKind kind, int[] tokens, int limit) {
        lock.lock();
        try {
            Entry entry = best(kind, tokens, limit);
            int length = entry == null ? 0 : usable(entry, tokens, limit);
            int before = sequence.length();
            if (entry != null && length >= before + LEAST) {
                entry.pinned = true;
                try {
                    sequence.share(entry.sequence, length);
                } finally {
                    entry.pinned = false;
                }
                hits++;
                sharedTokens += length - before;
                Events.prefix(length - before);
                entries.remove(entry);
                entries.add(entry);
            }
            return common(kind, tokens, limit);
        } finally {
            lock.unlock();
        }
    }

    private @Nullable Entry best(KvKind kind, int[] tokens, int limit) {
        Entry best = null;
        int most = 0;
        for (int i = entries.size() - 1; i >= 0; i--) {
            Entry entry = entries.get(i);
            int usable = entry.kind.equals(kind) ? usable(entry, tokens, limit) : 0;
            if (usable > most) {
                most = usable;
                best = entry;
            }
        }
        return best;
    }

    private int common(KvKind kind, int[] tokens, int limit) {
        int most = 0;
        for (int i = 0; i < entries.size(); i++) {
            Entry entry = entries.get(i);
            if (entry.kind.equals(kind)) {
                most = Math.max(most, common(entry.tokens, tokens, limit));
            }
        }
        return most;
    }

    private static int usable(Entry entry, int[] tokens, int limit) {
        return entry.sequence.shareable(common(entry.tokens, tokens, limit));
    }

    /** How many of the first tokens are the same. */
    static int common(int[] some, int[] others, int limit) {
        int most = Math.min(some.length, limit);
        int mismatch = Arrays.mismatch(some, 0, most, others, 0, most);
        return mismatch < 0 ? most : mismatch;
    }

    /** Keeps what a sequence holds now; nothing where there is no memory for that. */
    void keep(Sequence sequence, KvKind kind, int[] tokens) {
        int length = sequence.length();
        if (length < LEAST || isKept(sequence, kind, tokens)) {
            return;
        }
        Sequence kept = kind.newSequence(pass, sequence.capacity());
        boolean added = false;
        try {
            kept.share(sequence, length);
            added = add(new Entry(kind, kept, Arrays.copyOf(tokens, length)));
        } catch (OutOfMemoryException | OutOfMemoryError e) { // of copied states: then it is not kept
            return;
        } finally {
            if (!added) {
                kept.close();
            }
        }
    }

    /** Whether all that a sequence holds is there; it counts as used then. */
    private boolean isKept(Sequence sequence, KvKind kind, int[] tokens) {
        int length = sequence.length();
        lock.lock();
        try {
            for (int i = entries.size() - 1; i >= 0; i--) {
                Entry entry = entries.get(i);
                if (entry.kind.equals(kind) && usable(entry, tokens, length) == length) {
                    entries.remove(i);
                    entries.add(entry);
                    return true;
                }
            }
            return closed;
        } finally {
            lock.unlock();
        }
    }

    /** Adds an entry, in place of those that it makes superfluous. */
    private boolean add(Entry entry) {
        lock.lock();
        try {
            if (closed) {
                return false;
            }
            for (int i = entries.size() - 1; i >= 0; i--) {
                Entry old = entries.get(i);
                int length = old.tokens.length;
                if (old.kind.equals(entry.kind)
                        && !old.pinned
                        && common(old.tokens, entry.tokens, entry.tokens.length) == length
                        && entry.sequence.shareable(length) == length) {
                    entries.remove(i);
                    old.sequence.close();
                }
            }
            while (entries.size() >= MAX_ENTRIES) {
                entries.removeFirst().sequence.close();
            }
            entries.add(entry);
            return true;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Frees memory of the entries used longest ago.
     *
     * @param bytes at least so many, if there are
     * @param all whether entries too are given up whose memory sessions hold all of, which frees nothing, but spares a session the
     *     copy of a page that it goes on in
     * @return whether there was anything to give up
     */
    boolean evict(long bytes, boolean all) {
        lock.lock();
        try {
            return evictLocked(bytes, all);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean reclaim(long bytes, boolean waits) {
        if (waits) {
            return evict(bytes, false);
        }
        if (!lock.tryLock()) {
            return false;
        }
        try {
            return evictLocked(bytes, false);
        } finally {
            lock.unlock();
        }
    }

    /** Whether the calling thread takes something over. */
    boolean isInUseHere() {
        return lock.isHeldByCurrentThread();
    }

    private boolean evictLocked(long bytes, boolean all) {
        if (entries.isEmpty()) {
            return false;
        }
        boolean evicted = false;
        long held = pass.heldBytes();
        long wanted = held - bytes;
        long[] freeable = pass.freeableBytes(sequences());
        for (int i = 0, next = 0; i < entries.size() && pass.heldBytes() > wanted; next++) {
            Entry entry = entries.get(i);
            if (entry.pinned || (freeable[next] == 0 && !all)) {
                i++;
                continue;
            }
            evicted = true;
            while (pass.heldBytes() > wanted && cut(entry, pass.heldBytes() - wanted)) {}
            if (pass.heldBytes() > wanted) {
                entries.remove(i).sequence.close();
            }
        }
        if (evicted) {
            Events.eviction(bytes, Math.max(0, held - pass.heldBytes()));
        }
        return evicted;
    }

    private List<Sequence> sequences() {
        return entries.stream().map(entry -> entry.sequence).toList();
    }

    /** Gives up the end of an entry; false if nothing would be left, or its layers cannot go back. */
    private boolean cut(Entry entry, long bytes) {
        int length = entry.tokens.length;
        long perToken = Math.max(1, pass.sequenceBytes(length, entry.kind.types()) / length);
        long cut = Math.max(CUT, Math.ceilDiv(bytes, perToken));
        if (length - cut < CUT) {
            return false;
        }
        int left = (int) ((length - cut) / CUT * CUT);
        if (!entry.sequence.truncate(left)) {
            return false;
        }
        entry.tokens = Arrays.copyOf(entry.tokens, left);
        return true;
    }

    /** Bytes that no session holds. */
    @Override
    public long reclaimableBytes() {
        lock.lock();
        try {
            return pass.heldOnlyBy(sequences());
        } finally {
            lock.unlock();
        }
    }

    /** How often a session took something over. */
    long hits() {
        lock.lock();
        try {
            return hits;
        } finally {
            lock.unlock();
        }
    }

    /** Tokens that sessions took over. */
    long sharedTokens() {
        lock.lock();
        try {
            return sharedTokens;
        } finally {
            lock.unlock();
        }
    }

    /** Frees everything; nothing is kept from now on. */
    @Override
    public void close() {
        engine.remove(this);
        lock.lock();
        try {
            closed = true;
            while (!entries.isEmpty()) {
                entries.removeLast().sequence.close();
            }
        } finally {
            lock.unlock();
        }
    }
}
