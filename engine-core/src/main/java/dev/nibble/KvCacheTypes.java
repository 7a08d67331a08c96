package dev.nibble;

import java.util.Objects;

/**
 * How a session keeps its keys and its values. Errors in keys spoil which tokens are looked at, errors in values only what is read of
 * them; so keys are given the wider type where both are not the same.
 */
public record KvCacheTypes(KvCacheType keys, KvCacheType values) {
    public KvCacheTypes {
        Objects.requireNonNull(keys, "keys");
        Objects.requireNonNull(values, "values");
    }

    /** The same type for both. */
    public static KvCacheTypes of(KvCacheType type) {
        return new KvCacheTypes(type, type);
    }

    /** Whether keys and values have the same type. */
    public boolean areSame() {
        return keys == values;
    }

    /** The type, or that of the keys and that of the values: {@code Q8_0,Q4_0}. */
    @Override
    public String toString() {
        return areSame() ? keys.toString() : keys + "," + values;
    }
}
