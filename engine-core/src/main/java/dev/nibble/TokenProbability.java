package dev.nibble;

/** A token that could have been chosen. */
public final class TokenProbability {
    private final int id;
    private final float logProbability;

    private TokenProbability(int id, float logProbability) {
        this.id = id;
        this.logProbability = logProbability;
    }

    /** A token and the natural logarithm of its probability. */
    public static TokenProbability of(int id, float logProbability) {
        return new TokenProbability(id, logProbability);
    }

    /** The token. */
    public int id() {
        return id;
    }

    /** Natural logarithm of the probability the model itself gave it, before any bias, penalty or sampling option. */
    public float logProbability() {
        return logProbability;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof TokenProbability token
                && id == token.id
                && Float.floatToIntBits(logProbability) == Float.floatToIntBits(token.logProbability);
    }

    @Override
    public int hashCode() {
        return 31 * id + Float.hashCode(logProbability);
    }

    @Override
    public String toString() {
        return id + ": " + logProbability;
    }
}
