package dev.nibble;

import java.util.Iterator;

/**
 * A running generation: each {@link #next()} evaluates what is needed for one more token. The prompt is evaluated by the
 * first call. Used by the thread that uses the session; {@link #cancel()} by any.
 *
 * <p>A stream that is abandoned needs no closing: the session's next call ends it as if it had been closed.
 */
@SuppressWarnings("IterableAndIterator") // for-each and stepping by hand are both usual; it says that it is walked once
public final class TokenStream implements Iterable<GeneratedToken>, Iterator<GeneratedToken>, AutoCloseable {
    TokenStream() {}

    /** This stream; it can be walked through once. */
    @Override
    public Iterator<GeneratedToken> iterator() {
        return this;
    }

    /**
     * Whether another token comes; evaluates to find out.
     *
     * @throws IllegalStateException if the session or the model was closed, or another thread is using the session
     */
    @Override
    public boolean hasNext() {
        return Unfinished.body();
    }

    /**
     * The next token.
     *
     * @throws java.util.NoSuchElementException after the end
     * @throws IllegalStateException as {@link #hasNext()}
     */
    @Override
    public GeneratedToken next() {
        return Unfinished.body();
    }

    /** The whole generation. Generates what has not been asked for yet. */
    public Generation result() {
        return Unfinished.body();
    }

    /**
     * Ends the generation within a token, or inside the evaluation of a long prompt, from any thread. The stream then
     * has no further token and its result says {@link FinishReason#CANCELLED}. No effect after the end.
     */
    public void cancel() {
        Unfinished.body();
    }

    /** Ends the generation where it stands. No effect after the end. */
    @Override
    public void close() {
        Unfinished.body();
    }
}
