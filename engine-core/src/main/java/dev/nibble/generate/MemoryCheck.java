package dev.nibble.generate;

import dev.nibble.KvCacheType;
import dev.nibble.OutOfMemoryException;
import dev.nibble.OutOfMemoryException.Remedy;
import dev.nibble.memory.ByteCount;
import dev.nibble.memory.SystemMemory;
import dev.nibble.spi.ForwardPass;
import java.util.List;
import java.util.Optional;
import java.util.function.IntToLongFunction;

/** Says before it happens that the KV cache of a session, or what its evaluation needs besides, cannot fit. */
public final class MemoryCheck {
    private static final System.Logger LOG = System.getLogger("dev.nibble");

    private final ForwardPass pass;
    private final SystemMemory memory;

    public MemoryCheck(ForwardPass pass, SystemMemory memory) {
        this.pass = pass;
        this.memory = memory;
    }

    /**
     * Checks the context of a new session.
     *
     * @param required whether that context was asked for; if it is the model's own, what does not fit is only a warning,
     *     since the cache grows with the tokens
     * @throws OutOfMemoryException if it is required and cannot fit
     */
    public void session(int contextLength, KvCacheType type, boolean required) {
        if (contextLength > pass.maxContextLength()) {
            throw new OutOfMemoryException("a context of " + contextLength + " tokens was asked for, but memory was"
                    + " reserved for " + pass.maxContextLength() + " when the model was loaded; load it with a context"
                    + " of " + contextLength + " (LoadOptions.withContextLength, --ctx)");
        }
        Optional<SystemMemory.Room> room = memory.allocatable();
        long cache = pass.sequenceBytes(contextLength, type);
        if (room.isEmpty() || cache <= room.get().bytes() - besides(contextLength)) {
            return;
        }
        int fits = longestUpTo(
                contextLength,
                length -> pass.sequenceBytes(length, type) + besides(length),
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
    public void growth(int fromTokens, int toTokens, KvCacheType type) {
        long before = fromTokens == 0 ? 0 : pass.sequenceBytes(fromTokens, type);
        long cache = pass.sequenceBytes(toTokens, type) - before;
        int tokens = toTokens - fromTokens;
        if (cache + buffers(tokens) <= 0) {
            return; // asking the system takes longer than a token of a small model
        }
        Optional<SystemMemory.Room> room = memory.allocatable();
        if (room.isPresent() && cache > room.get().bytes() - besides(tokens)) {
            throw new OutOfMemoryException(
                    "the KV cache of " + tokens + " more tokens needs " + ByteCount.text(cache) + besidesText(tokens)
                            + ", but " + room.get(),
                    List.of(Remedy.MORE_MEMORY),
                    0);
        }
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
