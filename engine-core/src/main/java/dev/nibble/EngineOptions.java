package dev.nibble;

import dev.nibble.OptionValues.Option;
import java.util.Objects;
import java.util.OptionalInt;

/** What an {@link Engine} has. Immutable; start from {@link #DEFAULT} and set what differs. */
public final class EngineOptions {
    private static final Option<OptionalInt> THREADS = new Option<>("threads", OptionalInt.empty());

    /** A thread for each physical core. */
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
