package dev.nibble.generate;

import dev.nibble.constraint.Constraint;
import dev.nibble.constraint.TokenMasks;
import dev.nibble.tokenizer.Tokenizer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** What constrained generations need to know of a model's vocabulary: found when the first one begins. Thread-safe. */
public final class ConstrainedVocabulary {
    private final Tokenizer tokenizer;
    private @Nullable TokenMasks masks;
    private int[] ends = {};

    public ConstrainedVocabulary(Tokenizer tokenizer) {
        this.tokenizer = tokenizer;
    }

    /** The beginning of a text under a constraint. */
    synchronized ConstrainedText begin(Constraint constraint) {
        TokenMasks known = masks;
        if (known == null) {
            known = TokenMasks.of(tokenizer);
            ends = IntStream.range(0, tokenizer.vocabulary().size())
                    .filter(tokenizer.vocabulary()::isEndOfGeneration)
                    .toArray();
            masks = known;
        }
        return new ConstrainedText(constraint, constraint.matcher(known), tokenizer, ends);
    }
}
