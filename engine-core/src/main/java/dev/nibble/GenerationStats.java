package dev.nibble;

import java.time.Duration;

/**
 * What a generation cost. Times count the engine's work only, not what the caller does between two tokens.
 *
 * @param promptTokens tokens of the prompt, those found in the cache included
 * @param cachedTokens how many of them the session held already, so that they were not evaluated again
 * @param generatedTokens tokens chosen
 * @param promptTime evaluating the prompt
 * @param timeToFirstToken from the start to the first token: the prompt and one choice
 * @param generationTime choosing and evaluating the tokens after the first
 */
public record GenerationStats(
        int promptTokens,
        int cachedTokens,
        int generatedTokens,
        Duration promptTime,
        Duration timeToFirstToken,
        Duration generationTime) {

    /** Evaluated prompt tokens a second, 0 if there were none. */
    public double promptTokensPerSecond() {
        return rate(promptTokens - cachedTokens, promptTime);
    }

    /** Tokens after the first a second, 0 if there were none. */
    public double generationTokensPerSecond() {
        return rate(generatedTokens - 1, generationTime);
    }

    private static double rate(int tokens, Duration time) {
        return tokens <= 0 || time.isZero() ? 0 : tokens / (time.toNanos() * 1e-9);
    }
}
