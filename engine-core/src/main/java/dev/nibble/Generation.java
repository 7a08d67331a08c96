package dev.nibble;

import java.util.Arrays;
import java.util.Objects;

/** A finished generation. Immutable. */
public final class Generation {
    private final String text;
    private final int[] tokens;
    private final FinishReason finishReason;
    private final GenerationStats stats;
    private final boolean complete;

    private Generation(String text, int[] tokens, FinishReason finishReason, GenerationStats stats, boolean complete) {
        this.text = text;
        this.tokens = tokens;
        this.finishReason = finishReason;
        this.stats = stats;
        this.complete = complete;
    }

    /** A generation of which this is known, complete unless it was cut by a limit or cancelled. */
    public static Generation of(String text, int[] tokens, FinishReason finishReason, GenerationStats stats) {
        return new Generation(
                Objects.requireNonNull(text, "text"),
                tokens.clone(),
                Objects.requireNonNull(finishReason, "finishReason"),
                Objects.requireNonNull(stats, "stats"),
                finishReason == FinishReason.STOP_TOKEN || finishReason == FinishReason.STOP_STRING);
    }

    /** The same generation, said to be complete or not. */
    public Generation withComplete(boolean value) {
        return new Generation(text, tokens, finishReason, stats, value);
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

    /**
     * Whether the text is whole: not cut by {@link GenerationOptions#maxTokens()}, the context or a cancellation. Under a
     * {@linkplain GenerationOptions#constraint() constraint} it then satisfies that; a text that was cut, by a stop string too,
     * does not count as satisfying it, were it that it happens to.
     */
    public boolean isComplete() {
        return complete;
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
                && complete == generation.complete
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
