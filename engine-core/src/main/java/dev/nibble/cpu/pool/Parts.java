package dev.nibble.cpu.pool;

import java.util.Arrays;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Objects by their class, one of each, made when first asked for: what the parts of an engine keep in memory that belongs to
 * another, as a worker or a running pass. They are made by one thread at a time; what is there may be found by several.
 */
public final class Parts {
    private Object[] parts = new Object[0];

    /** The object of a class; finding it allocates nothing. */
    public <T> T get(Class<T> type, Supplier<T> create) {
        T part = find(type);
        return part == null ? keep(create.get()) : part;
    }

    /** Likewise of one that is made from an argument. */
    public <T, A> T get(Class<T> type, Function<A, T> create, A argument) {
        T part = find(type);
        return part == null ? keep(create.apply(argument)) : part;
    }

    private <T> @Nullable T find(Class<T> type) {
        for (Object part : parts) {
            if (part.getClass() == type) {
                return type.cast(part);
            }
        }
        return null;
    }

    private <T> T keep(T made) {
        parts = Arrays.copyOf(parts, parts.length + 1);
        parts[parts.length - 1] = made;
        return made;
    }
}
