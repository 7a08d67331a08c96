package dev.nibble.spi;

/** What a model remembers of one token sequence: keys and values, recurrent states. Used by one thread at a time. */
public interface Sequence extends AutoCloseable {

    /** Tokens it can hold. */
    int capacity();

    /** Tokens evaluated so far. */
    int length();

    /**
     * Forgets all tokens from position {@code length} on, if it can: recurrent states and sliding windows cannot always
     * go back. Length 0 always works.
     *
     * @return false if it cannot; nothing changed then
     */
    boolean truncate(int length);

    /**
     * Chooses which of the model's adapters count for its tokens, in place of those that count where nothing is said. Before
     * the first token.
     *
     * @param scales one for each adapter, 0 for one that does not count
     * @throws IllegalArgumentException if there are more or fewer adapters
     * @throws IllegalStateException if it holds tokens
     */
    default void useAdapters(float[] scales) {
        if (scales.length > 0) {
            throw new IllegalArgumentException(scales.length + " scales, and the backend has no adapters");
        }
    }

    /** Frees its memory; later calls do nothing. */
    @Override
    void close();
}
