package dev.nibble;

import java.util.Objects;

/**
 * What the sessions of a model have done since it was loaded, and what they do now: a snapshot. Immutable.
 *
 * <p>A batch is what is evaluated at once. The more sessions generate at the same time, the larger it should be on average,
 * and the more tokens come out for each time that all weights are read.
 */
public final class ModelStats {
    /** Nothing counted yet. */
    public static final ModelStats NONE = new ModelStats(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

    private final int sessions;
    private final int waiting;
    private final long batches;
    private final long evaluations;
    private final long promptTokens;
    private final long generatedTokens;
    private final long kvBytes;
    private final long kvCachedBytes;
    private final long kvBudget;
    private final long prefixHits;
    private final long prefixTokens;

    private ModelStats(
            int sessions,
            int waiting,
            long batches,
            long evaluations,
            long promptTokens,
            long generatedTokens,
            long kvBytes,
            long kvCachedBytes,
            long kvBudget,
            long prefixHits,
            long prefixTokens) {
        this.sessions = sessions;
        this.waiting = waiting;
        this.batches = batches;
        this.evaluations = evaluations;
        this.promptTokens = promptTokens;
        this.generatedTokens = generatedTokens;
        this.kvBytes = kvBytes;
        this.kvCachedBytes = kvCachedBytes;
        this.kvBudget = kvBudget;
        this.prefixHits = prefixHits;
        this.prefixTokens = prefixTokens;
    }

    /** The same with the sessions that are open, and how many of them wait for their turn. */
    public ModelStats withSessions(int open, int waitingNow) {
        return new ModelStats(
                open,
                waitingNow,
                batches,
                evaluations,
                promptTokens,
                generatedTokens,
                kvBytes,
                kvCachedBytes,
                kvBudget,
                prefixHits,
                prefixTokens);
    }

    /** The same with the batches, and the sessions in them, counted in each. */
    public ModelStats withBatches(long count, long sessionsInThem) {
        return new ModelStats(
                sessions,
                waiting,
                count,
                sessionsInThem,
                promptTokens,
                generatedTokens,
                kvBytes,
                kvCachedBytes,
                kvBudget,
                prefixHits,
                prefixTokens);
    }

    /** The same with the tokens of prompts and those generated. */
    public ModelStats withTokens(long prompt, long generated) {
        return new ModelStats(
                sessions,
                waiting,
                batches,
                evaluations,
                prompt,
                generated,
                kvBytes,
                kvCachedBytes,
                kvBudget,
                prefixHits,
                prefixTokens);
    }

    /** The same with the bytes of all KV caches, those of them that are only kept for later sessions, and how many there may be. */
    public ModelStats withKvCache(long bytes, long cached, long budget) {
        return new ModelStats(
                sessions,
                waiting,
                batches,
                evaluations,
                promptTokens,
                generatedTokens,
                bytes,
                cached,
                budget,
                prefixHits,
                prefixTokens);
    }

    /** The same with how often a session took over what others had evaluated, and the tokens. */
    public ModelStats withPrefixes(long hits, long tokens) {
        return new ModelStats(
                sessions,
                waiting,
                batches,
                evaluations,
                promptTokens,
                generatedTokens,
                kvBytes,
                kvCachedBytes,
                kvBudget,
                hits,
                tokens);
    }

    /** What was counted since {@code earlier}, of the same model, and the sessions and bytes that are there now. */
    public ModelStats since(ModelStats earlier) {
        return new ModelStats(
                sessions,
                waiting,
                batches - earlier.batches,
                evaluations - earlier.evaluations,
                promptTokens - earlier.promptTokens,
                generatedTokens - earlier.generatedTokens,
                kvBytes,
                kvCachedBytes,
                kvBudget,
                prefixHits - earlier.prefixHits,
                prefixTokens - earlier.prefixTokens);
    }

    /** Sessions that are open. */
    public int sessions() {
        return sessions;
    }

    /** How many of them wait to be evaluated. */
    public int waiting() {
        return waiting;
    }

    /** Batches evaluated. */
    public long batches() {
        return batches;
    }

    /** Sessions in a batch, on average; 0 if there was none. */
    public double meanBatchSize() {
        return batches == 0 ? 0 : (double) evaluations / batches;
    }

    /** Tokens of prompts that were evaluated, those taken from an earlier evaluation not counted. */
    public long promptTokens() {
        return promptTokens;
    }

    /** Tokens that were evaluated one by one, as those of a generation are; its last one need not be. */
    public long generatedTokens() {
        return generatedTokens;
    }

    /** Bytes of the KV caches of all sessions, and of what is kept for later ones; what is shared counts once. */
    public long kvBytes() {
        return kvBytes;
    }

    /** Of these, the bytes that no session uses: they are given up when memory is needed. */
    public long kvCachedBytes() {
        return kvCachedBytes;
    }

    /** Bytes that these may be: {@link LoadOptions#kvCacheBudget}, or without one, up to which something is kept for later. */
    public long kvBudget() {
        return kvBudget;
    }

    /** How often a session took over what others had evaluated. */
    public long prefixHits() {
        return prefixHits;
    }

    /** Tokens that were taken over, and not evaluated again. */
    public long prefixTokens() {
        return prefixTokens;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof ModelStats stats
                && sessions == stats.sessions
                && waiting == stats.waiting
                && batches == stats.batches
                && evaluations == stats.evaluations
                && promptTokens == stats.promptTokens
                && generatedTokens == stats.generatedTokens
                && kvBytes == stats.kvBytes
                && kvCachedBytes == stats.kvCachedBytes
                && kvBudget == stats.kvBudget
                && prefixHits == stats.prefixHits
                && prefixTokens == stats.prefixTokens;
    }

    @Override
    public int hashCode() {
        return Objects.hash(
                sessions,
                waiting,
                batches,
                evaluations,
                promptTokens,
                generatedTokens,
                kvBytes,
                kvCachedBytes,
                kvBudget,
                prefixHits,
                prefixTokens);
    }

    @Override
    public String toString() {
        return "ModelStats[" + sessions + " sessions, " + waiting + " of them waiting; " + batches + " batches of "
                + meanBatchSize() + " sessions; " + promptTokens + " tokens of prompts, " + generatedTokens
                + " generated; KV caches of " + kvBytes + " bytes, " + kvCachedBytes + " of them kept for later, of "
                + kvBudget + "; " + prefixTokens + " tokens taken over in " + prefixHits + " prefixes]";
    }
}
