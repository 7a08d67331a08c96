package dev.nibble;

import dev.nibble.generate.Generator;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/**
 * A running generation: each {@link #next()} evaluates what is needed for one more token. The prompt is evaluated by the
 * first call. Used by the thread that uses the session; {@link #cancel()} by any.
 *
 * <p>A stream that is abandoned needs no closing: the session's next call ends it as if it had been closed. Closing the
 * session or the model, and an interrupt of the reading thread, end it as {@link #cancel()} does.
 */
@SuppressWarnings("IterableAndIterator") // for-each and stepping by hand are both usual; it says that it is walked once
public final class TokenStream implements Iterable<GeneratedToken>, Iterator<GeneratedToken>, AutoCloseable {
    private final SessionLock lock;
    private final Generator generator;
    private @Nullable GeneratedToken next;

    /**
     * @param lock of the session
     */
    TokenStream(SessionLock lock, Generator generator) {
        this.lock = lock;
        this.generator = generator;
    }

    /** This stream; it can be walked through once. */
    @Override
    public Iterator<GeneratedToken> iterator() {
        return this;
    }

    /**
     * Whether another token comes; evaluates to find out.
     *
     * @throws OutOfMemoryException if the KV cache cannot grow; the stream may go on when there is memory
     * @throws IllegalStateException if another thread is using the session
     */
    @Override
    public boolean hasNext() {
        if (next == null && !generator.finished()) {
            next = advance();
        }
        return next != null;
    }

    /**
     * The next token.
     *
     * @throws NoSuchElementException after the end
     * @throws IllegalStateException as {@link #hasNext()}
     */
    @Override
    public GeneratedToken next() {
        GeneratedToken token = hasNext() ? next : null;
        if (token == null) {
            throw new NoSuchElementException("the generation has ended");
        }
        next = null;
        return token;
    }

    /**
     * The tokens as a stream, evaluated as they are asked for; what was read before is not among them. It need not be
     * closed.
     */
    public Stream<GeneratedToken> stream() {
        return StreamSupport.stream(
                Spliterators.spliteratorUnknownSize(this, Spliterator.ORDERED | Spliterator.NONNULL), false);
    }

    /**
     * The whole generation, with what was not asked for yet.
     *
     * @throws IllegalStateException as {@link #hasNext()}
     */
    public Generation result() {
        while (hasNext()) {
            next = null;
        }
        return generator.result();
    }

    /**
     * Ends the generation within a token, or inside the evaluation of a long prompt, from any thread. The stream then
     * has no further token and its result says {@link FinishReason#CANCELLED}. No effect after the end.
     */
    public void cancel() {
        generator.requestCancel();
    }

    /** Ends the generation where it stands, from the thread that reads it. No effect after the end. */
    @Override
    public void close() {
        cancel();
        next = null;
        if (generator.finished() || lock.isInside()) { // inside its own call, that one ends it
            return;
        }
        if (!lock.tryEnter()) {
            generator.abandon();
            return;
        }
        try {
            generator.cancel();
        } finally {
            lock.exit();
        }
    }

    private @Nullable GeneratedToken advance() {
        if (!lock.tryEnter()) {
            generator.abandon();
            return null;
        }
        try {
            return generator.next();
        } finally {
            lock.exit();
        }
    }
}
