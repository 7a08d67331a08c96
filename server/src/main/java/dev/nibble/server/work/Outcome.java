package dev.nibble.server.work;

import dev.nibble.FinishReason;
import dev.nibble.Generation;
import dev.nibble.GenerationStats;
import org.jspecify.annotations.Nullable;

/**
 * How an answer ended.
 *
 * @param generation as a whole
 * @param reasoningTokens tokens of the thinking
 * @param calls tools that are called
 * @param stop the stop string that ended it, null if none did
 * @param nanos from the first wish to the last token, without the wait for a turn
 */
public record Outcome(
        Generation generation,
        int reasoningTokens,
        int calls,
        @Nullable String stop,
        long nanos) {
    /** Counts and times. */
    public GenerationStats stats() {
        return generation.stats();
    }

    /** Whether it was cut by a limit. */
    public boolean isCut() {
        return generation.finishReason() == FinishReason.MAX_TOKENS
                || generation.finishReason() == FinishReason.CONTEXT_FULL
                || generation.finishReason() == FinishReason.CANCELLED;
    }
}
