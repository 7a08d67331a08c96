package dev.nibble.generate;

import dev.nibble.PromptProgress;
import dev.nibble.memory.MemoryFailure;
import dev.nibble.spi.Batch;
import dev.nibble.spi.ForwardPass;
import dev.nibble.spi.Sequence;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;

/**
 * Brings the sequence of a context up to its tokens: takes over what others have evaluated, has the rest evaluated in parts, and leaves
 * it to others. Used by one thread at a time.
 */
final class ContextEvaluation {
    private static final int NONE = -1;

    /** So often a prompt waits for what another session evaluates without that anything of it can be taken over. */
    private static final int MOST_WAITS = 3;

    /** After so many tokens of a prompt, what is evaluated is left to others. */
    private static final int KEPT_STEP = 256;

    private final Evaluator evaluator;
    private final ForwardPass pass;
    private final ContextMemory memory;
    /** What others have evaluated; null for a context that shares nothing. */
    private final @Nullable PrefixCache prefixes;

    private final Sequence sequence;
    private final Source source;
    private final Rows rows;
    private final ScoredGuesses guesses;
    private final KvKind kind;
    private final int vocabSize;

    /** Told of each part evaluated. */
    private PromptProgress progress = PromptProgress.NONE;

    /** Tokens taken over from others since this was asked for. */
    private int shared;

    /** Of what a context is made of. */
    ContextEvaluation(
            Evaluator evaluator,
            ContextMemory memory,
            @Nullable PrefixCache prefixes,
            Sequence sequence,
            Source source,
            Rows rows,
            ScoredGuesses guesses,
            KvKind kind,
            int vocabSize) {
        this.evaluator = evaluator;
        pass = evaluator.pass();
        this.memory = memory;
        this.prefixes = prefixes;
        this.sequence = sequence;
        this.source = source;
        this.rows = rows;
        this.guesses = guesses;
        this.kind = kind;
        this.vocabSize = vocabSize;
    }

    /** Who is told of each part that is evaluated from now on. */
    void report(PromptProgress listener) {
        progress = listener;
    }

    /** How many tokens were taken over from others since the last call. */
    int takeShared() {
        int result = shared;
        shared = 0;
        return result;
    }

    /** Leaves what is evaluated to others that begin with the same tokens. */
    void keep(int[] tokens) {
        if (prefixes != null) {
            prefixes.keep(sequence, kind, tokens);
        }
    }

    /**
     * Evaluates the tokens that the sequence lacks, and guesses of what follows them.
     *
     * @param tokens of the context; behind them the guesses
     * @param count tokens, without the guesses
     * @param firstOutput position from which on rows want scores
     * @param result receives them; null if a token is to be chosen instead, after the last row alone
     * @throws CancellationException when cancelled; what was evaluated so far stays evaluated
     * @throws dev.nibble.OutOfMemoryException if there is no memory for it
     */
    void run(int[] tokens, int count, int firstOutput, float @Nullable [] result, Cancellation cancellation) {
        boolean isPrompt = count - sequence.length() >= PrefixCache.LEAST;
        try {
            if (!pass.isCausal() && result != null) {
                runAtOnce(tokens, count, firstOutput, result, cancellation);
                return;
            }
            if (source.read(cancellation)) {
                progress.evaluated(source.tokens().length, source.tokens().length);
            }
            runInParts(tokens, count, firstOutput, result, cancellation);
        } catch (OutOfMemoryError e) {
            int from = sequence.length();
            int to = pass.isCausal() ? (int) Math.min(count, (long) from + evaluator.maxRows()) : count;
            throw MemoryFailure.of(
                    e,
                    "a KV cache of " + to + " tokens",
                    pass.sequenceBytes(to, kind.types()),
                    "the buffers to evaluate " + (to - from) + " tokens",
                    pass.bufferBytes(to - from) + 4L * vocabSize * rows.outputs(to - from));
        } finally {
            if (isPrompt) {
                keep(tokens);
            }
        }
    }

    private void runInParts(
            int[] tokens, int count, int firstOutput, float @Nullable [] result, Cancellation cancellation) {
        int written = 0;
        int waits = MOST_WAITS;
        boolean begun = false;
        while (sequence.length() < count) {
            if (cancellation.getAsBoolean()) {
                throw new CancellationException();
            }
            int before = sequence.length();
            int mustEnd = NONE; // where others were seen to go on differently
            if (prefixes != null && firstOutput >= before + PrefixCache.LEAST) {
                int common = prefixes.share(sequence, kind, tokens, firstOutput);
                shared += sequence.length() - before;
                mustEnd = common >= sequence.length() + PrefixCache.LEAST && common < firstOutput ? common : NONE;
            }
            int from = sequence.length();
            if (!begun) {
                begun = true;
                progress.begins(from, count);
            }
            int end = mustEnd == NONE ? count + guesses.wanted() : mustEnd;
            int to = (int) Math.min(end, (long) from + evaluator.maxRows());
            memory.grow(sequence, to, sequence.capacity(), cancellation);
            rows.set(tokens, from, to, firstOutput, result, written);
            if (to > count) {
                guesses.describe(rows, to - count);
            }
            waits = from > before ? MOST_WAITS : waits;
            rows.share(waits > 0 ? prefixes : null, kind);
            evaluator.evaluate(rows, cancellation);
            waits -= sequence.length() > from ? 0 : 1;
            if (sequence.length() - from >= KEPT_STEP || (from < mustEnd && sequence.length() == mustEnd)) {
                keep(tokens);
            }
            written += rows.outputs(sequence.length() - from) * vocabSize;
            if (sequence.length() > before) {
                progress.evaluated(sequence.length(), count);
            }
        }
    }

    /** Evaluates all tokens at once, as each sees all others. What they see changes with the next token, so nothing is kept. */
    private void runAtOnce(int[] tokens, int count, int firstOutput, float[] result, Cancellation cancellation) {
        Batch batch = new Batch(count);
        for (int i = 0; i < count; i++) {
            batch.add(sequence, tokens[i], i >= firstOutput);
        }
        try {
            evaluator.evaluateText(batch, result, cancellation);
        } finally {
            sequence.truncate(0);
        }
    }
}
