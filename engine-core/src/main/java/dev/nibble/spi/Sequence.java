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

    /** Frees its memory; later calls do nothing. */
    @Override
    void close();
}
