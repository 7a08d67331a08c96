package dev.nibble;

import java.time.Duration;
import java.util.Objects;

/** What a generation cost. Times count the engine's work only, not what the caller does between two tokens. Immutable. */
public final class GenerationStats {
    /** Nothing counted yet. */
    public static final GenerationStats NONE =
            new GenerationStats(0, 0, 0, 0, 0, 0, Duration.ZERO, Duration.ZERO, Duration.ZERO);

    private final int promptTokens;
    private final int cachedTokens;
    private final int generatedTokens;
    private final int forcedTokens;
    private final int draftedTokens;
    private final int acceptedTokens;
    private final Duration promptTime;
    private final Duration timeToFirstToken;
    private final Duration generationTime;

    private GenerationStats(
            int promptTokens,
            int cachedTokens,
            int generatedTokens,
            int forcedTokens,
            int draftedTokens,
            int acceptedTokens,
            Duration promptTime,
            Duration timeToFirstToken,
            Duration generationTime) {
        this.promptTokens = promptTokens;
        this.cachedTokens = cachedTokens;
        this.generatedTokens = generatedTokens;
        this.forcedTokens = forcedTokens;
        this.draftedTokens = draftedTokens;
        this.acceptedTokens = acceptedTokens;
        this.promptTime = Objects.requireNonNull(promptTime, "promptTime");
        this.timeToFirstToken = Objects.requireNonNull(timeToFirstToken, "timeToFirstToken");
        this.generationTime = Objects.requireNonNull(generationTime, "generationTime");
    }

    /** The same with the prompt's tokens, of which {@code cached} were there already, and the time they took. */
    public GenerationStats withPrompt(int tokens, int cached, Duration time) {
        return new GenerationStats(
                tokens,
                cached,
                generatedTokens,
                forcedTokens,
                draftedTokens,
                acceptedTokens,
                time,
                timeToFirstToken,
                generationTime);
    }

    /** The same with the tokens chosen, the time until the first, and the time of the others. */
    public GenerationStats withGenerated(int tokens, Duration untilFirst, Duration others) {
        return new GenerationStats(
                promptTokens,
                cachedTokens,
                tokens,
                forcedTokens,
                draftedTokens,
                acceptedTokens,
                promptTime,
                untilFirst,
                others);
    }

    /** The same with how many of the tokens were forced by a constraint. */
    public GenerationStats withForced(int tokens) {
        return new GenerationStats(
                promptTokens,
                cachedTokens,
                generatedTokens,
                tokens,
                draftedTokens,
                acceptedTokens,
                promptTime,
                timeToFirstToken,
                generationTime);
    }

    /** The same with how many tokens were evaluated as guesses, and how many of those were right. */
    public GenerationStats withSpeculation(int drafted, int accepted) {
        return new GenerationStats(
                promptTokens,
                cachedTokens,
                generatedTokens,
                forcedTokens,
                drafted,
                accepted,
                promptTime,
                timeToFirstToken,
                generationTime);
    }

    /** Tokens of the prompt, those found in the cache included. */
    public int promptTokens() {
        return promptTokens;
    }

    /** How many of them the session held already, or shares with others that evaluated them, so that they were not evaluated again. */
    public int cachedTokens() {
        return cachedTokens;
    }

    /** Tokens of the text, with {@link #forcedTokens}. */
    public int generatedTokens() {
        return generatedTokens;
    }

    /**
     * How many of them were not chosen, as a {@linkplain GenerationOptions#constraint constraint} left nothing else: each is
     * evaluated together with the next one that is chosen.
     */
    public int forcedTokens() {
        return forcedTokens;
    }

    /**
     * Tokens that were guessed ({@link GenerationOptions#speculation}) and evaluated together with the token before them; 0 where
     * nothing was guessed, it did not pay, or the model cannot go back.
     */
    public int draftedTokens() {
        return draftedTokens;
    }

    /** How many of them were right, and so came without an evaluation of their own. */
    public int acceptedTokens() {
        return acceptedTokens;
    }

    /** Evaluating the prompt. */
    public Duration promptTime() {
        return promptTime;
    }

    /** From the start to the first token: the prompt and one choice. */
    public Duration timeToFirstToken() {
        return timeToFirstToken;
    }

    /** Choosing and evaluating the tokens after the first. */
    public Duration generationTime() {
        return generationTime;
    }

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

    @Override
    public boolean equals(Object other) {
        return other instanceof GenerationStats stats
                && promptTokens == stats.promptTokens
                && cachedTokens == stats.cachedTokens
                && generatedTokens == stats.generatedTokens
                && forcedTokens == stats.forcedTokens
                && draftedTokens == stats.draftedTokens
                && acceptedTokens == stats.acceptedTokens
                && promptTime.equals(stats.promptTime)
                && timeToFirstToken.equals(stats.timeToFirstToken)
                && generationTime.equals(stats.generationTime);
    }

    @Override
    public int hashCode() {
        return Objects.hash(
                promptTokens,
                cachedTokens,
                generatedTokens,
                forcedTokens,
                draftedTokens,
                acceptedTokens,
                promptTime,
                timeToFirstToken,
                generationTime);
    }

    @Override
    public String toString() {
        return "GenerationStats[" + promptTokens + " prompt tokens, " + cachedTokens + " of them cached, in "
                + promptTime + "; first token after " + timeToFirstToken + "; " + generatedTokens + " tokens, "
                + generationTime + "]";
    }
}
