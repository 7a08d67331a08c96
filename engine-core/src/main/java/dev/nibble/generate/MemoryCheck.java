package dev.nibble.generate;

import dev.nibble.KvCacheType;
import dev.nibble.OutOfMemoryException;
import dev.nibble.memory.SystemMemory;
import dev.nibble.spi.ForwardPass;
import java.util.OptionalLong;
import java.util.function.IntToLongFunction;

/** Says before it happens that the KV cache of a session cannot fit. */
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
        OptionalLong allocatable = memory.allocatable();
        long needed = pass.sequenceBytes(contextLength, type);
        if (allocatable.isEmpty() || needed <= allocatable.getAsLong()) {
            return;
        }
        int fits = longestUpTo(contextLength, length -> pass.sequenceBytes(length, type), allocatable.getAsLong());
        String message = "the KV cache of a context of " + contextLength + " tokens needs " + mebibytes(needed)
                + ", but only " + mebibytes(allocatable.getAsLong()) + " can be allocated; "
                + (fits > 0 ? "a context of " + fits + " tokens would fit" : "no context would fit");
        if (required) {
            throw new OutOfMemoryException(message);
        }
        LOG.log(System.Logger.Level.WARNING, message);
    }

    /**
     * Checks that a session can grow.
     *
     * @throws OutOfMemoryException if it cannot
     */
    public void growth(int fromTokens, int toTokens, KvCacheType type) {
        OptionalLong allocatable = memory.allocatable();
        long needed = pass.sequenceBytes(toTokens, type) - pass.sequenceBytes(Math.max(1, fromTokens), type);
        if (allocatable.isPresent() && needed > allocatable.getAsLong()) {
            throw new OutOfMemoryException("the KV cache of " + (toTokens - fromTokens) + " more tokens needs "
                    + mebibytes(needed) + ", but only " + mebibytes(allocatable.getAsLong()) + " can be allocated");
        }
    }

    /** What an allocation that failed is told as. */
    static OutOfMemoryException failed(OutOfMemoryError error, String what, long bytes) {
        return new OutOfMemoryException(
                what + " needs up to " + mebibytes(bytes) + " and could not be allocated (" + error.getMessage()
                        + "); memory outside the Java heap is limited by -XX:MaxDirectMemorySize, by default the size"
                        + " of the heap",
                error);
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

    private static String mebibytes(long bytes) {
        return Math.ceilDiv(bytes, 1 << 20) + " MiB";
    }
}
