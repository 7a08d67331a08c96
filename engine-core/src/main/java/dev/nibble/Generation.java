package dev.nibble;

import java.util.Arrays;
import java.util.Objects;

/** A finished generation. Immutable. */
public final class Generation {
    private final String text;
    private final int[] tokens;
    private final FinishReason finishReason;
    private final GenerationStats stats;

    private Generation(String text, int[] tokens, FinishReason finishReason, GenerationStats stats) {
        this.text = text;
        this.tokens = tokens;
        this.finishReason = finishReason;
        this.stats = stats;
    }

    /** A generation of which this is known. */
    public static Generation of(String text, int[] tokens, FinishReason finishReason, GenerationStats stats) {
        return new Generation(
                Objects.requireNonNull(text, "text"),
                tokens.clone(),
                Objects.requireNonNull(finishReason, "finishReason"),
                Objects.requireNonNull(stats, "stats"));
    }

    /** The text: the tokens' texts joined, without the stop string. */
    public String text() {
        return text;
    }

    /**
     * Every token the model chose, in order, as a copy; those that spell a stop string and the end-of-generation token are
     * among them although the text leaves them out.
     */
    public int[] tokens() {
        return tokens.clone();
    }

    /** Why it ended. */
    public FinishReason finishReason() {
        return finishReason;
    }

    /** Counts and times. */
    public GenerationStats stats() {
        return stats;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Generation generation
                && text.equals(generation.text)
                && Arrays.equals(tokens, generation.tokens)
                && finishReason == generation.finishReason
                && stats.equals(generation.stats);
    }

    @Override
    public int hashCode() {
        return 31 * text.hashCode() + Arrays.hashCode(tokens);
    }

    @Override
    public String toString() {
        return "Generation[" + text + ", " + tokens.length + " tokens, " + finishReason + ", " + stats + "]";
    }
}
