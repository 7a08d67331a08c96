package dev.nibble;

import dev.nibble.chat.AnswerDelta;
import dev.nibble.chat.AnswerParser;
import dev.nibble.chat.ChatAnswer;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Queue;
import java.util.function.Consumer;

/**
 * A running answer to a conversation, taken apart while it is generated: text for the user, reasoning, calls of tools. What has
 * been given is never taken back. Used as a {@link TokenStream}, of which it is made.
 *
 * <pre>{@code
 * try (AnswerStream answer = session.answer(messages, options)) {
 *     for (AnswerDelta delta : answer) {
 *         if (delta.kind() == AnswerDelta.Kind.CONTENT) {
 *             System.out.print(delta.text());
 *         }
 *     }
 *     List<ToolCall> calls = answer.result().toolCalls();
 * }
 * }</pre>
 */
@SuppressWarnings("IterableAndIterator") // as TokenStream
public final class AnswerStream implements Iterable<AnswerDelta>, Iterator<AnswerDelta>, AutoCloseable {
    private final TokenStream tokens;
    private final AnswerParser parser;
    private final Queue<AnswerDelta> ready = new ArrayDeque<>();
    private Consumer<GeneratedToken> listener = token -> {};
    private boolean over;

    AnswerStream(TokenStream tokens, AnswerParser parser) {
        this.tokens = tokens;
        this.parser = parser;
    }

    /**
     * Lets {@code value} hear of each token when it is read, before the deltas that it adds: for log probabilities, and for counting.
     * What it throws reaches whoever reads the answer.
     *
     * @return this stream
     */
    public AnswerStream withTokens(Consumer<GeneratedToken> value) {
        listener = Objects.requireNonNull(value, "listener");
        return this;
    }

    /** This stream; it can be walked through once. */
    @Override
    public Iterator<AnswerDelta> iterator() {
        return this;
    }

    /**
     * Whether something is added; evaluates to find out.
     *
     * @throws OutOfMemoryException as {@link TokenStream#hasNext}
     * @throws IllegalStateException if another thread is using the session
     */
    @Override
    public boolean hasNext() {
        while (ready.isEmpty() && !over) {
            if (tokens.hasNext()) {
                GeneratedToken token = tokens.next();
                listener.accept(token);
                ready.addAll(parser.feed(token.text()));
            } else {
                over = true;
                ready.addAll(parser.finish());
            }
        }
        return !ready.isEmpty();
    }

    /**
     * What is added next.
     *
     * @throws NoSuchElementException after the end
     * @throws IllegalStateException as {@link #hasNext()}
     */
    @Override
    public AnswerDelta next() {
        if (!hasNext()) {
            throw new NoSuchElementException("the answer has ended");
        }
        return ready.remove();
    }

    /**
     * The whole answer, with what was not asked for yet. Where {@link #generation} is not complete, it was cut; a call that was
     * cut is not among its calls.
     *
     * @throws IllegalStateException as {@link #hasNext()}
     */
    public ChatAnswer result() {
        while (hasNext()) {
            ready.clear();
        }
        return parser.answer();
    }

    /**
     * The generation as a whole, with what was not asked for yet: its text is all that the model wrote, control tokens included.
     *
     * @throws IllegalStateException as {@link #hasNext()}
     */
    public Generation generation() {
        while (hasNext()) {
            ready.clear();
        }
        return tokens.result();
    }

    /** Ends the answer within a token, from any thread; no effect after the end. */
    public void cancel() {
        tokens.cancel();
    }

    /** Ends the answer where it stands, from the thread that reads it. No effect after the end. */
    @Override
    public void close() {
        tokens.close();
    }
}
