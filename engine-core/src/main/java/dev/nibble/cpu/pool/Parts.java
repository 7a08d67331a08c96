package dev.nibble.cpu.pool;

import java.util.Arrays;
import java.util.function.Supplier;

/**
 * Objects by their class, one of each, made when first asked for: what the parts of an engine keep in memory that belongs to
 * another, as a worker or a running pass. For one thread at a time.
 */
public final class Parts {
    private Object[] parts = new Object[0];

    /** The object of a class; finding it allocates nothing. */
    public <T> T get(Class<T> type, Supplier<T> create) {
        for (Object part : parts) {
            if (part.getClass() == type) {
                return type.cast(part);
            }
        }
        T made = create.get();
        parts = Arrays.copyOf(parts, parts.length + 1);
        parts[parts.length - 1] = made;
        return made;
    }
}
