package dev.nibble.generate;

import dev.nibble.constraint.Constraint;
import dev.nibble.constraint.ConstraintException;
import dev.nibble.constraint.Matcher;
import dev.nibble.tokenizer.Tokenizer;
import org.jspecify.annotations.Nullable;

/** How far a generation has come in its constraint, and which tokens that leaves. Used by one thread at a time. */
final class ConstrainedText {
    private final Constraint constraint;
    private final Tokenizer tokenizer;
    private final int[] ends;
    private final long[] allowed;
    private Matcher matcher;

    /** @param ends the tokens that end a generation */
    ConstrainedText(Constraint constraint, Matcher matcher, Tokenizer tokenizer, int[] ends) {
        this.constraint = constraint;
        this.matcher = matcher;
        this.tokenizer = tokenizer;
        this.ends = ends;
        allowed = new long[matcher.maskWords()];
    }

    /** Whether nothing can come but the end. */
    boolean isOver() {
        return !matcher.canContinue();
    }

    /** The constraint after a token, null if it may not come. A token that ends the generation changes nothing. */
    @Nullable Matcher after(int token) {
        if (!tokenizer.vocabulary().isEndOfGeneration(token)) {
            return matcher.next(token);
        }
        return matcher.isComplete() ? matcher : null;
    }

    /** Goes on to where {@link #after} leads. */
    void move(Matcher next) {
        matcher = next;
    }

    /**
     * The tokens that may come, those that end the generation among them, as a set of bits that is valid until the next call.
     *
     * @param count tokens generated before, for the message
     * @throws ConstraintException if there is none
     */
    long[] allowed(int count) {
        boolean any = matcher.mask(allowed);
        if (matcher.isComplete()) {
            for (int end : ends) {
                allowed[end >> 6] |= 1L << end;
                any = true;
            }
        }
        if (!any) {
            throw new ConstraintException("after " + count + " generated tokens the constraint (" + constraint
                    + ") leaves no token of the model's vocabulary: what has to follow cannot be written with it");
        }
        return allowed;
    }
}
