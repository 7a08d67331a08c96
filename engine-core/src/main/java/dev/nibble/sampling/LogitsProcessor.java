package dev.nibble.sampling;

/** Changes logits before a token is chosen: a grammar masks what it forbids, a stop list bans tokens. */
@FunctionalInterface
public interface LogitsProcessor {

    /**
     * Changes {@code logits} in place; a token set to negative infinity cannot be chosen.
     *
     * @param logits [vocabSize]
     * @param tokens the tokens of the sequence so far, prompt included; only the first {@code count} count
     * @param count how many
     */
    void process(float[] logits, int[] tokens, int count);
}
