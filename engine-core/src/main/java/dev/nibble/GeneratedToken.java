package dev.nibble;

import java.util.List;
import java.util.Objects;

/** One step of a generation. Immutable. */
public final class GeneratedToken {
    private final int id;
    private final String text;
    private final float logProbability;
    private final List<TokenProbability> alternatives;

    private GeneratedToken(int id, String text, float logProbability, List<TokenProbability> alternatives) {
        this.id = id;
        this.text = text;
        this.logProbability = logProbability;
        this.alternatives = alternatives;
    }

    /** A step without alternatives. */
    public static GeneratedToken of(int id, String text, float logProbability) {
        return new GeneratedToken(id, Objects.requireNonNull(text, "text"), logProbability, List.of());
    }

    /** The same step with the alternatives to its token. */
    public GeneratedToken withAlternatives(List<TokenProbability> value) {
        return new GeneratedToken(id, text, logProbability, List.copyOf(value));
    }

    /** The token. */
    public int id() {
        return id;
    }

    /**
     * What this step adds to the text. Never half a character and never part of a stop string, so it may be empty and a
     * later token's text may carry what was held back; the texts joined are {@link Generation#text()}.
     */
    public String text() {
        return text;
    }

    /**
     * Natural logarithm of the probability the model itself gave the token, before any bias, penalty or sampling option; 0 of one
     * that a {@linkplain GenerationOptions#constraint constraint} left no choice about and that was not evaluated.
     */
    public float logProbability() {
        return logProbability;
    }

    /**
     * The most probable tokens of this step, the most probable first, as many as {@link
     * GenerationOptions#topLogProbabilities()} asks for. The chosen token is among them if it is one of these.
     */
    public List<TokenProbability> alternatives() {
        return alternatives;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof GeneratedToken token
                && id == token.id
                && text.equals(token.text)
                && Float.floatToIntBits(logProbability) == Float.floatToIntBits(token.logProbability)
                && alternatives.equals(token.alternatives);
    }

    @Override
    public int hashCode() {
        return Objects.hash(id, text, logProbability, alternatives);
    }

    @Override
    public String toString() {
        return "GeneratedToken[" + id + ", " + text + ", " + logProbability + "]";
    }
}
