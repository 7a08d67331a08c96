package dev.nibble.sampling;

import org.jspecify.annotations.Nullable;

/** Chooses the next token. Not thread-safe: it keeps buffers and the state of its random numbers. */
public interface Sampler {

    /**
     * Chooses a token.
     *
     * @param logits [vocabSize], the model's scores; unchanged afterwards
     * @param tokens the tokens of the sequence so far, prompt included; only the first {@code count} count
     * @param count how many
     * @return the token
     * @throws dev.nibble.NibbleException if the logits hold no usable number
     */
    default int sample(float[] logits, int[] tokens, int count) {
        return sample(logits, null, tokens, count);
    }

    /**
     * As {@link #sample(float[], int[], int)}, of some tokens only.
     *
     * @param allowed bit {@code id % 64} of word {@code id / 64} is set for the tokens that may be chosen, and those beyond its
     *     words may not; null for all
     */
    int sample(float[] logits, long @Nullable [] allowed, int[] tokens, int count);

    /**
     * Natural logarithm of the probability that the logits as given, before any change by this sampler, assign to the
     * token chosen last.
     */
    float logProbability();

    /**
     * Whether {@link #sample} always gives the most probable token of the logits as given, the lowest id among equals,
     * so that whoever has the logits may choose as well.
     */
    default boolean isGreedy() {
        return false;
    }
}
