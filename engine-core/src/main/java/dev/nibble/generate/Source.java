package dev.nibble.generate;

import dev.nibble.ContextOverflowException;
import dev.nibble.spi.Sequence;
import java.util.Arrays;

/**
 * The text that the tokens of a context answer, of a model with an encoder: read by the encoder before the next token is evaluated,
 * once.
 */
final class Source {
    private static final int[] NONE = {};

    private final Evaluator evaluator;
    private final Sequence sequence;
    private int[] tokens = NONE;

    /** None yet. */
    Source(Evaluator evaluator, Sequence sequence) {
        this.evaluator = evaluator;
        this.sequence = sequence;
    }

    /** The tokens; not to be changed. */
    int[] tokens() {
        return tokens;
    }

    boolean isEmpty() {
        return tokens.length == 0;
    }

    private boolean isRead() {
        return sequence.sourceLength() > 0;
    }

    /**
     * Checks that tokens can be a source.
     *
     * @throws ContextOverflowException if they do not fit
     */
    void check(int[] others) {
        if (others.length > sequence.capacity()) {
            throw new ContextOverflowException(others.length, sequence.capacity(), sequence.capacity());
        }
    }

    /**
     * Begins anew with another source, checked before, or with none. Of the same one what was read stays; the tokens of the sequence
     * are forgotten in any case.
     *
     * @return how many tokens need not be read
     */
    int set(int[] others) {
        boolean same = isRead() && Arrays.equals(tokens, others);
        if (same) {
            sequence.truncate(0);
        } else {
            forget();
            tokens = others.clone();
        }
        return same ? tokens.length : 0;
    }

    /** Forgets it, and with it the tokens of the sequence. */
    void forget() {
        if (isRead()) {
            evaluator.pass().encode(sequence, NONE, () -> false);
        }
        tokens = NONE;
    }

    /** Forgets it unless it was read. */
    void dropPending() {
        if (!isRead()) {
            tokens = NONE;
        }
    }

    /** Has another's, whose sequence this one's shares or is restored from. */
    void resume(int[] others) {
        tokens = others;
    }

    /**
     * Has the encoder read it, unless it has.
     *
     * @return whether it was read now
     * @throws java.util.concurrent.CancellationException when cancelled
     */
    boolean read(Cancellation cancellation) {
        if (isEmpty() || isRead()) {
            return false;
        }
        evaluator.encode(sequence, tokens, cancellation);
        return true;
    }
}
