package dev.nibble.spi;

import java.io.IOException;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;

/** What a model remembers of one token sequence: keys and values, recurrent states. Used by one thread at a time. */
public interface Sequence extends AutoCloseable {

    /** Tokens it can hold. */
    int capacity();

    /** Tokens evaluated so far. */
    int length();

    /**
     * Forgets all tokens from position {@code length} on, if it can: recurrent states and sliding windows cannot always
     * go back. Length 0 always works. A source stays.
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

    /** Tokens of the source that was read for it, see {@link ForwardPass#encode}; 0 for none. */
    default int sourceLength() {
        return 0;
    }

    /**
     * Makes room for tokens up to {@code length}, so that evaluating them needs no more memory; at most a batch more than there
     * are.
     *
     * @throws dev.nibble.OutOfMemoryException if there is no memory for them; the sequence is as it was
     */
    default void reserve(int length) {}

    /**
     * The greatest position up to {@code length} up to which another sequence can share what this holds; 0 if there is none, as with
     * recurrent states, which are there for the last position only.
     */
    default int shareable(int length) {
        return 0;
    }

    /** Whether it can be shared and truncated at earlier positions too, if perhaps not at all of them. */
    default boolean canGoBack() {
        return true;
    }

    /**
     * Forgets everything and begins with the source and the first {@code length} tokens of another sequence, whose memory it shares:
     * what either writes from there on the other does not see.
     *
     * @param other of the same forward pass and type, not evaluated meanwhile
     * @param length that {@link #shareable} gave, not more than this can hold
     * @throws UnsupportedOperationException unless {@link ForwardPass#canShare}
     */
    default void share(Sequence other, int length) {
        throw new UnsupportedOperationException("the sequences of this backend cannot share what they hold");
    }

    /**
     * Keeps, from now on, the model's states at the last positions: what {@link dev.nibble.model.PredictionBlock}s read. They are not
     * shared or saved, and those of tokens that are forgotten are forgotten too.
     *
     * @param positions how many states at most
     * @param normed whether they are kept as the output norm returns them, or as it reads them
     * @return false if the backend cannot
     */
    default boolean keepStates(int positions, boolean normed) {
        return false;
    }

    /** The first of the positions whose states are kept, up to {@link #length}; that length if there are none. */
    default int statesFrom() {
        return length();
    }

    /**
     * Copies the state of a position.
     *
     * @param position from {@link #statesFrom} on
     * @param state receives [hiddenSize] values
     */
    default void copyState(int position, float[] state) {
        throw new UnsupportedOperationException("the sequences of this backend keep no states");
    }

    /** From now on erases memory before it is freed. */
    default void eraseFreed() {}

    /**
     * Writes what it holds, for {@link #restore}.
     *
     * @throws UnsupportedOperationException unless {@link ForwardPass#canShare}
     */
    default void save(WritableByteChannel out) throws IOException {
        throw new UnsupportedOperationException("the sequences of this backend cannot be saved");
    }

    /**
     * Forgets everything and holds again what a sequence of the same model and type saved.
     *
     * @param length tokens that it held
     * @throws java.io.EOFException if the channel ends too early; this holds nothing then, as after every failure
     * @throws dev.nibble.OutOfMemoryException if there is no memory for it
     */
    default void restore(ReadableByteChannel in, int length) throws IOException {
        throw new UnsupportedOperationException("the sequences of this backend cannot be restored");
    }

    /** Frees its memory; later calls do nothing. */
    @Override
    void close();
}
