package dev.nibble.sampling;

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
    int sample(float[] logits, int[] tokens, int count);

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
