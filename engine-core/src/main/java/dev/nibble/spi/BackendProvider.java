package dev.nibble.spi;

import dev.nibble.LoadOptions;
import java.util.List;

/** Offers a backend; found through {@link java.util.ServiceLoader}. */
public interface BackendProvider {

    /** Whether the backend can run here. */
    sealed interface Availability {
        /** It can; {@code description} is one line: device, vector width. */
        record Available(String description) implements Availability {}

        /** It cannot; {@code reason} says in one line what is missing and how to get it. */
        record Unavailable(String reason) implements Availability {}
    }

    /** The name for {@link LoadOptions#backend()}. */
    String name();

    /** Of the available backends, {@code auto} takes the one with the highest priority. The CPU has 0. */
    int priority();

    /** Whether the backend can run here; never throws and is cheap after the first call. */
    Availability probe();

    /** One line for each device it can use, the ones that are chosen only when asked for included; none by default. */
    default List<String> devices() {
        return List.of();
    }

    /**
     * Opens the backend.
     *
     * @throws IllegalStateException with the reason when {@link #probe()} says it is unavailable
     */
    Backend open(LoadOptions options);
}
