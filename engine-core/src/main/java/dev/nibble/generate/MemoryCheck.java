package dev.nibble.generate;

import dev.nibble.KvCacheTypes;
import dev.nibble.OutOfMemoryException;
import dev.nibble.OutOfMemoryException.Remedy;
import dev.nibble.memory.ByteCount;
import dev.nibble.memory.MemoryBudget;
import dev.nibble.memory.SystemMemory;
import dev.nibble.spi.ForwardPass;
import java.util.List;
import java.util.Optional;
import java.util.function.IntToLongFunction;
import org.jspecify.annotations.Nullable;

/** Says before it happens that the KV cache of a session, or what its evaluation needs besides, cannot fit. */
public final class MemoryCheck {
    private static final System.Logger LOG = System.getLogger("dev.nibble");

    private final ForwardPass pass;
    private final SystemMemory memory;
    private final MemoryBudget budget;
    /** Counts what sequences take themselves; null where they do not, and it is estimated here. */
    private final @Nullable KvMemory counted;

    /**
     * @param budget of the engine, from which sessions take the memory of their KV caches
     * @param counted what the sequences ask before they take memory; null if they do not ask
     */
    public MemoryCheck(ForwardPass pass, SystemMemory memory, MemoryBudget budget, @Nullable KvMemory counted) {
        this.pass = pass;
        this.memory = memory;
        this.budget = budget;
        this.counted = counted;
    }

    /** What the sequences ask before they take memory; null if they do not ask. */
    @Nullable KvMemory counted() {
        return counted;
    }

    /** Whether memory has to be taken here, as the sequences do not take it themselves. */
    boolean estimates() {
        return counted == null;
    }

    /**
     * Checks the context of a new session.
     *
     * @param required whether that context was asked for; if it is the model's own, what does not fit is only a warning,
     *     since the cache grows with the tokens
     * @throws OutOfMemoryException if it is required and cannot fit
     */
    public void session(int contextLength, KvCacheTypes types, boolean required) {
        if (contextLength > pass.maxContextLength()) {
            throw new OutOfMemoryException("a context of " + contextLength + " tokens was asked for, but memory was"
                    + " reserved for " + pass.maxContextLength() + " when the model was loaded; load it with a context"
                    + " of " + contextLength + " (LoadOptions.withContextLength, --ctx)");
        }
        long cache = pass.sequenceBytes(contextLength, types);
        Optional<SystemMemory.Room> budgeted = (counted == null ? budget.room() : counted.room())
                .filter(room ->
                        cache > room.bytes() && (counted == null || cache > room.bytes() + counted.unusedBytes()));
        if (budgeted.isPresent() && required) {
            int fits = longestUpTo(
                    contextLength,
                    length -> pass.sequenceBytes(length, types),
                    budgeted.get().bytes());
            throw new OutOfMemoryException(
                    cacheText("a context of " + contextLength, cache) + ", but " + budgeted.get(),
                    List.of(counted == null ? budget.remedy() : counted.remedy()),
                    fits);
        }
        Optional<SystemMemory.Room> room = memory.allocatable();
        if (room.isEmpty()
                || cache <= room.get().bytes() - besides(contextLength)
                || cache <= room.get().bytes() - besides(contextLength) + unused()) {
            return;
        }
        int fits = longestUpTo(
                contextLength,
                length -> pass.sequenceBytes(length, types) + besides(length),
                room.get().bytes());
        String message = "the KV cache of a context of " + contextLength + " tokens needs " + ByteCount.text(cache)
                + besidesText(contextLength) + ", but " + room.get() + "; "
                + (fits > 0 ? "a context of " + fits + " tokens would fit" : "no context would fit");
        if (required) {
            throw new OutOfMemoryException(message, List.of(), fits);
        }
        LOG.log(System.Logger.Level.WARNING, message);
    }

    /**
     * Checks that a session can grow.
     *
     * @throws OutOfMemoryException if it cannot
     */
    public void growth(int fromTokens, int toTokens, KvCacheTypes types) {
        long before = fromTokens == 0 ? 0 : pass.sequenceBytes(fromTokens, types);
        long cache = pass.sequenceBytes(toTokens, types) - before;
        int tokens = toTokens - fromTokens;
        if (counted != null) {
            counted.require(cache, tokens);
        } else {
            Optional<SystemMemory.Room> budgeted = budget.room().filter(room -> cache > room.bytes());
            if (budgeted.isPresent()) {
                throw new OutOfMemoryException(
                        cacheText(tokens + " more", cache) + ", but " + budgeted.get(), List.of(budget.remedy()), 0);
            }
        }
        if (cache + buffers(tokens) <= 0) {
            return; // asking the system takes longer than a token of a small model
        }
        Optional<SystemMemory.Room> room = memory.allocatable();
        if (room.isPresent()
                && cache > room.get().bytes() - besides(tokens)
                && cache > room.get().bytes() - besides(tokens) + unused()) {
            throw new OutOfMemoryException(
                    "the KV cache of " + tokens + " more tokens needs " + ByteCount.text(cache) + besidesText(tokens)
                            + ", but " + room.get(),
                    List.of(Remedy.MORE_MEMORY),
                    0);
        }
    }

    /** What is kept for later sessions and would be dropped. */
    private long unused() {
        return counted == null ? 0 : counted.unusedBytesOfAll();
    }

    /**
     * Takes the memory of a KV cache that grows, after {@link #growth}.
     *
     * @return bytes, for {@link #giveBack}
     * @throws OutOfMemoryException if it is not there
     */
    long take(int fromTokens, int toTokens, KvCacheTypes types) {
        growth(fromTokens, toTokens, types);
        long before = fromTokens == 0 ? 0 : pass.sequenceBytes(fromTokens, types);
        long bytes = pass.sequenceBytes(toTokens, types) - before;
        budget.take(bytes, "the KV cache of " + (toTokens - fromTokens) + " more tokens");
        return bytes;
    }

    /** Gives back what a session took. */
    void giveBack(long bytes) {
        budget.giveBack(bytes);
    }

    private static String cacheText(String tokens, long bytes) {
        return "the KV cache of " + tokens + " tokens needs " + ByteCount.text(bytes);
    }

    private long buffers(int tokens) {
        return pass.bufferBytes(Math.min(tokens, pass.maxBatchRows()));
    }

    /** What evaluating so many tokens takes beside their cache. */
    private long besides(int tokens) {
        return buffers(tokens) + memory.runtimeGrowth();
    }

    private String besidesText(int tokens) {
        long besides = besides(tokens);
        return besides == 0 ? "" : " and their evaluation " + ByteCount.text(besides);
    }

    private static int longestUpTo(int limit, IntToLongFunction bytes, long available) {
        int fits = 0;
        int fails = limit;
        while (fails - fits > 1) {
            int middle = fits + (fails - fits) / 2;
            if (bytes.applyAsLong(middle) <= available) {
                fits = middle;
            } else {
                fails = middle;
            }
        }
        return fits;
    }
}
