package dev.nibble;

import java.util.Objects;
import java.util.Optional;

/**
 * How a session is opened. Immutable; start from {@link #DEFAULT}.
 *
 * @param contextLength tokens the session can hold, 0 for what {@link LoadOptions#contextLength()} says
 * @param kvCacheType how it keeps them, empty for what {@link LoadOptions#kvCacheType()} says
 */
public record SessionOptions(int contextLength, Optional<KvCacheType> kvCacheType) {

    /** As the model was loaded. */
    public static final SessionOptions DEFAULT = new SessionOptions(0, Optional.empty());

    public SessionOptions {
        Objects.requireNonNull(kvCacheType, "kvCacheType");
        if (contextLength < 0) {
            throw new IllegalArgumentException(
                    "contextLength must be 0 (as the model was loaded) or more, not " + contextLength);
        }
    }

    public SessionOptions withContextLength(int value) {
        return new SessionOptions(value, kvCacheType);
    }

    public SessionOptions withKvCacheType(KvCacheType value) {
        return new SessionOptions(contextLength, Optional.of(Objects.requireNonNull(value, "kvCacheType")));
    }
}
