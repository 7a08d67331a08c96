package dev.nibble.sampling;

import dev.nibble.GenerationOptions;
import java.util.Objects;

/** Makes samplers. */
public final class Samplers {
    private Samplers() {}

    /**
     * The chain that {@code options} describe, in this order: logits processors, logit bias, repeat, frequency and
     * presence penalties, top-k, typical, top-p, min-p, XTC, temperature, and a random choice among what is left: the
     * token at which the probabilities, added up from the most probable one on, reach a random number. At temperature 0
     * the most probable token after the penalties, the lowest id among equals.
     *
     * @param vocabSize length of the logits
     * @throws IllegalArgumentException if the logit bias names a token outside the vocabulary
     */
    public static Sampler of(GenerationOptions options, int vocabSize) {
        return new ChainSampler(Objects.requireNonNull(options, "options"), vocabSize);
    }
}
