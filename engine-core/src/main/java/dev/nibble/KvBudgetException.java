package dev.nibble;

import java.util.List;

/**
 * A session that cannot grow because the memory for keys and values is taken by others, within the budget of its model or engine. What
 * the session holds is as it was, and so are all others.
 */
public class KvBudgetException extends OutOfMemoryException {
    private static final long serialVersionUID = 1L;

    private final long requestedBytes;
    private final int requestedTokens;
    private final long freeBytes;

    /**
     * With what would help, which the message says after the facts.
     *
     * @param requestedTokens tokens that memory was asked for
     * @param freeBytes bytes that are left
     */
    public KvBudgetException(
            String facts, List<Remedy> remedies, long requestedBytes, int requestedTokens, long freeBytes) {
        super(facts, remedies, 0);
        this.requestedBytes = requestedBytes;
        this.requestedTokens = requestedTokens;
        this.freeBytes = freeBytes;
    }

    /** Bytes that were asked for. */
    public long requestedBytes() {
        return requestedBytes;
    }

    /** Tokens that they were for. */
    public int requestedTokens() {
        return requestedTokens;
    }

    /** Bytes that are left, cached prefixes not counted: these were dropped before. */
    public long freeBytes() {
        return freeBytes;
    }

    /** Tokens of the session that these would hold, about. */
    public int freeTokens() {
        return requestedBytes == 0 ? 0 : (int) ((double) freeBytes * requestedTokens / requestedBytes);
    }
}
