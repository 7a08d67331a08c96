package dev.nibble.server.work;

import dev.nibble.GenerationStats;
import java.util.concurrent.atomic.LongAccumulator;
import java.util.concurrent.atomic.LongAdder;

/** What a server has done since it was started. Thread-safe. */
public final class Counters {
    private final LongAdder answers = new LongAdder();
    private final LongAdder failures = new LongAdder();
    private final LongAdder cancelled = new LongAdder();
    private final LongAdder promptTokens = new LongAdder();
    private final LongAdder cachedTokens = new LongAdder();
    private final LongAdder promptNanos = new LongAdder();
    private final LongAdder generatedTokens = new LongAdder();
    private final LongAdder generationNanos = new LongAdder();
    private final LongAdder decodes = new LongAdder();
    private final LongAccumulator mostTokens = new LongAccumulator(Math::max, 0);
    private final LongAdder draftedTokens = new LongAdder();
    private final LongAdder acceptedTokens = new LongAdder();
    private final LongAdder drafts = new LongAdder();
    private final Histogram waiting = new Histogram();
    private final Histogram firstToken = new Histogram();
    private final Histogram perToken = new Histogram();
    private final Histogram duration = new Histogram();
    private volatile long lastProgress = System.nanoTime();

    void waited(long nanos) {
        waiting.add(nanos * 1e-9);
    }

    void begin(int slot) {
        lastProgress = System.nanoTime();
    }

    void ended(Outcome outcome) {
        GenerationStats stats = outcome.stats();
        answers.increment();
        decoded(stats);
        promptTokens.add(stats.promptTokens() - stats.cachedTokens());
        cachedTokens.add(stats.cachedTokens());
        promptNanos.add(stats.promptTime().toNanos());
        generatedTokens.add(stats.generatedTokens());
        generationNanos.add(stats.generationTime().toNanos());
        firstToken.add(stats.timeToFirstToken().toNanos() * 1e-9);
        if (stats.generatedTokens() > 1) {
            perToken.add(stats.generationTime().toNanos() * 1e-9 / (stats.generatedTokens() - 1));
        }
        duration.add(outcome.nanos() * 1e-9);
        lastProgress = System.nanoTime();
    }

    void embedded(int tokens) {
        answers.increment();
        promptTokens.add(tokens);
        decodes.increment();
        lastProgress = System.nanoTime();
    }

    /** Counted as if each answer were evaluated alone: a batch for its prompt, and one for each token after the first. */
    private void decoded(GenerationStats stats) {
        decodes.add(Math.max(1, stats.generatedTokens()));
        mostTokens.accumulate(stats.promptTokens() + stats.generatedTokens());
        draftedTokens.add(stats.draftedTokens());
        acceptedTokens.add(stats.acceptedTokens());
        drafts.add(stats.draftedTokens() > 0 ? 1 : 0);
    }

    /** Evaluations of answers and embeddings, each counted by itself. */
    public long decodes() {
        return decodes.sum();
    }

    /** Tokens of the longest prompt with its answer. */
    public long mostTokens() {
        return mostTokens.get();
    }

    /** Tokens that were guessed. */
    public long draftedTokens() {
        return draftedTokens.sum();
    }

    /** Tokens that were guessed rightly. */
    public long acceptedTokens() {
        return acceptedTokens.sum();
    }

    /** Answers in which tokens were guessed. */
    public long drafts() {
        return drafts.sum();
    }

    void failed(boolean left) {
        (left ? cancelled : failures).increment();
        lastProgress = System.nanoTime();
    }

    /** Answers that were made to their end. */
    public long answers() {
        return answers.sum();
    }

    /** Answers that failed. */
    public long failures() {
        return failures.sum();
    }

    /** Answers whose client left. */
    public long cancelled() {
        return cancelled.sum();
    }

    /** Tokens of prompts that were evaluated. */
    public long promptTokens() {
        return promptTokens.sum();
    }

    /** Tokens of prompts that were found evaluated. */
    public long cachedTokens() {
        return cachedTokens.sum();
    }

    /** Seconds that prompts took. */
    public double promptSeconds() {
        return promptNanos.sum() * 1e-9;
    }

    /** Tokens generated. */
    public long generatedTokens() {
        return generatedTokens.sum();
    }

    /** Seconds that they took. */
    public double generationSeconds() {
        return generationNanos.sum() * 1e-9;
    }

    /** Seconds that requests waited for a turn. */
    public Histogram waiting() {
        return waiting;
    }

    /** Seconds until the first token. */
    public Histogram firstToken() {
        return firstToken;
    }

    /** Seconds a token after the first. */
    public Histogram perToken() {
        return perToken;
    }

    /** Seconds of whole answers. */
    public Histogram duration() {
        return duration;
    }

    /** Seconds since an answer began or ended last. */
    public double secondsSinceProgress() {
        return (System.nanoTime() - lastProgress) * 1e-9;
    }
}
