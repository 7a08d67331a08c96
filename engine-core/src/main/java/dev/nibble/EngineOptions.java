package dev.nibble;

import dev.nibble.OptionValues.Option;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.OptionalLong;

/** What an {@link Engine} has. Immutable; start from {@link #DEFAULT} and set what differs. */
public final class EngineOptions {
    private static final Option<OptionalInt> THREADS = new Option<>("threads", OptionalInt.empty());

    private static final Option<OptionalLong> MEMORY_BUDGET = new Option<>("memoryBudget", OptionalLong.empty());

    /** A thread for each physical core, and what memory the machine has. */
    public static final EngineOptions DEFAULT = new EngineOptions(OptionValues.NONE);

    private final OptionValues values;

    private EngineOptions(OptionValues values) {
        this.values = values;
    }

    /** The options set here, then those set in {@code defaults}, then the library's defaults. */
    public EngineOptions orElse(EngineOptions defaults) {
        return new EngineOptions(values.orElse(Objects.requireNonNull(defaults, "defaults").values));
    }

    /** Threads that evaluate, the calling one included; empty for one for each physical core this process may use. */
    public OptionalInt threads() {
        return values.get(THREADS);
    }

    /** 1 or more. */
    public EngineOptions withThreads(int value) {
        return new EngineOptions(values.withAtLeast(THREADS, value, 1));
    }

    /** Bytes that its models may have together; empty for no other limit than the machine's. */
    public OptionalLong memoryBudget() {
        return values.get(MEMORY_BUDGET);
    }

    /**
     * Limits what models and sessions take beside the mapped files: copies of weights and buffers, as the memory plan counts
     * them, and KV caches as they grow. A load or a growth that would exceed it fails with an {@link OutOfMemoryException}
     * before it takes anything. The Java heap's other contents do not count.
     *
     * @param bytes 0 or more
     */
    public EngineOptions withMemoryBudget(long bytes) {
        if (bytes < 0) {
            throw new IllegalArgumentException("memoryBudget must be 0 or more, not " + bytes);
        }
        return new EngineOptions(values.with(MEMORY_BUDGET, OptionalLong.of(bytes)));
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof EngineOptions options && values.equals(options.values);
    }

    @Override
    public int hashCode() {
        return values.hashCode();
    }

    /** The options that were set. */
    @Override
    public String toString() {
        return values.describe(EngineOptions.class);
    }
}
