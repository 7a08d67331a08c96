package dev.nibble.server;

import java.io.IOException;
import java.util.List;
import java.util.Optional;

/** Models that a server has beside those that it was given, as those in the caches of a machine. Thread-safe. */
public interface ModelFinder {
    /** Finds none. */
    ModelFinder NONE = new ModelFinder() {
        @Override
        public List<String> names() {
            return List.of();
        }

        @Override
        public Optional<ModelEntry> find(String name) {
            return Optional.empty();
        }
    };

    /**
     * The names of all that there are now.
     *
     * @throws IOException if they cannot be listed
     */
    List<String> names() throws IOException;

    /**
     * The model of a name, which need not be among {@link #names}.
     *
     * @throws IOException if it is there but cannot be read
     */
    Optional<ModelEntry> find(String name) throws IOException;
}
