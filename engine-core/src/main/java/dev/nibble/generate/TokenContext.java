package dev.nibble.generate;

import dev.nibble.ContextOverflowException;
import dev.nibble.KvCacheTypes;
import dev.nibble.NibbleException;
import dev.nibble.OutOfMemoryException;
import dev.nibble.Priority;
import dev.nibble.PromptProgress;
import dev.nibble.memory.MemoryFailure;
import dev.nibble.spi.ForwardPass;
import dev.nibble.spi.Sequence;
import java.util.Arrays;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;

/**
 * The tokens of a session and what the model remembers of them. The first {@code sequence.length()} tokens are
 * evaluated, the rest is pending until logits are asked for. Used by one thread at a time.
 */
public final class TokenContext implements AutoCloseable {
    private static final int NONE = -1;

    private final Evaluator evaluator;
    private final ForwardPass pass;
    private final ContextMemory memory;
    /** What others have evaluated; null for a context that shares nothing. */
    private final @Nullable PrefixCache prefixes;

    private final Sequence sequence;
    private final Source source;
    private final Rows rows;
    private final ContextEvaluation evaluation;
    private final KvKind kind;
    private final int vocabSize;
    /** [vocabSize], the scores of what follows the first {@link #logitsAt} tokens. */
    private final float[] logits;

    private int logitsAt = NONE;
    /**
     * What came of the guesses that were evaluated last: they are the tokens behind the first {@link #count}, as far as the sequence
     * goes on there.
     */
    private final ScoredGuesses guesses;

    /** Closed with this. */
    private @Nullable AutoCloseable companion;

    private int[] tokens = new int[64];
    private int count;

    private TokenContext(
            Evaluator evaluator,
            @Nullable MemoryCheck memory,
            @Nullable PrefixCache prefixes,
            Sequence sequence,
            KvKind kind,
            int vocabSize) {
        this.evaluator = evaluator;
        pass = evaluator.pass();
        this.memory = new ContextMemory(memory, kind.types());
        this.prefixes = prefixes;
        this.sequence = sequence;
        this.kind = kind;
        this.vocabSize = vocabSize;
        rows = new Rows(sequence);
        source = new Source(evaluator, sequence);
        logits = new float[vocabSize];
        guesses = new ScoredGuesses(vocabSize);
        evaluation = new ContextEvaluation(
                evaluator, this.memory, prefixes, sequence, source, rows, guesses, kind, vocabSize);
        evaluator.count(1);
    }

    /**
     * An empty context.
     *
     * @param evaluator of the model
     * @param memory asked before the context grows, if there is one
     * @param prefixes what the model's contexts share; null for one that shares nothing and leaves nothing
     * @param contextLength tokens it can hold
     * @param adapters the scale of each adapter of the model
     * @param vocabSize of the model
     * @throws OutOfMemoryException if there is no memory for it
     */
    public static TokenContext open(
            Evaluator evaluator,
            @Nullable MemoryCheck memory,
            @Nullable PrefixCache prefixes,
            int contextLength,
            KvCacheTypes types,
            float[] adapters,
            int vocabSize) {
        ForwardPass pass = evaluator.pass();
        try {
            KvKind kind = new KvKind(types, adapters);
            Sequence sequence = kind.newSequence(pass, contextLength);
            if (prefixes == null) {
                sequence.eraseFreed();
            }
            return new TokenContext(evaluator, memory, prefixes, sequence, kind, vocabSize);
        } catch (OutOfMemoryError e) {
            throw MemoryFailure.of(
                    e,
                    "a session of " + contextLength + " tokens",
                    pass.sequenceBytes(contextLength, types),
                    "the logits of a session",
                    4L * vocabSize);
        }
    }

    /** Says which sessions its evaluations go before; while nothing is evaluated. */
    public void prioritize(Priority priority) {
        rows.priority = priority;
    }

    /** Length of a row of logits. */
    public int vocabSize() {
        return vocabSize;
    }

    /** How many tokens are evaluated at once at most. */
    int maxRows() {
        return evaluator.maxRows();
    }

    /** How many tokens it can hold. */
    public int capacity() {
        return sequence.capacity();
    }

    /** How it keeps them. */
    public KvCacheTypes types() {
        return kind.types();
    }

    /** The scale of each adapter of the model. */
    public float[] adapters() {
        return kind.adapters();
    }

    /** How many tokens it holds. */
    public int count() {
        return count;
    }

    /** The tokens; only the first {@link #count} count. Replaced when tokens are added. */
    public int[] tokens() {
        return tokens;
    }

    /** Whether it needs a {@link #source}. */
    public boolean hasEncoder() {
        return pass.hasEncoder();
    }

    /** Whether what comes next follows from what is before it. */
    public boolean isCausal() {
        return pass.isCausal();
    }

    /** What the tokens answer; empty if nothing is known of that, as without an encoder. */
    public int[] source() {
        return source.tokens();
    }

    /** Who is told of each part that is evaluated from now on. */
    void report(PromptProgress listener) {
        evaluation.report(listener);
    }

    /** How many of the first tokens it holds are those of {@code others}. */
    public int commonPrefix(int[] others) {
        return commonPrefix(others, others.length);
    }

    private int commonPrefix(int[] others, int length) {
        int mismatch = Arrays.mismatch(tokens, 0, count, others, 0, length);
        return mismatch < 0 ? count : mismatch;
    }

    /**
     * Makes its tokens the first {@code length} of others, for which there is room. What was evaluated is kept as far as it agrees,
     * tokens that were {@linkplain #unread unread} included.
     */
    public void follow(int[] others, int length) {
        int common = commonPrefix(others, length);
        if (common < count) {
            truncate(common);
        }
        for (int i = common; i < length; i++) {
            append(others[i]);
        }
    }

    /** Forgets the tokens from {@code length} on, but what was evaluated of them stays until another one is appended there. */
    public void unread(int length) {
        count = length;
        logitsAt = NONE;
        guesses.forget();
    }

    /**
     * Checks that tokens could be appended after the first {@code length}.
     *
     * @throws ContextOverflowException if they do not fit
     * @throws IllegalArgumentException if one is not in the vocabulary
     */
    public void check(int length, int[] added) {
        if (added.length > capacity() - length) {
            throw new ContextOverflowException(added.length, capacity() - length, capacity());
        }
        checkVocabulary(added);
    }

    /**
     * Likewise that tokens could be the source.
     *
     * @throws OutOfMemoryException if there is no memory for them
     */
    public void checkSource(int[] tokens) {
        source.check(tokens);
        checkVocabulary(tokens);
        checkGrowth(tokens.length);
    }

    private void checkVocabulary(int[] added) {
        for (int i = 0; i < added.length; i++) {
            if (added[i] < 0 || added[i] >= vocabSize) {
                throw new IllegalArgumentException("token " + added[i] + " at index " + i
                        + " is not in the vocabulary, whose ids are 0 to " + (vocabSize - 1));
            }
        }
    }

    /**
     * Checks that there is memory for the first {@code length} tokens.
     *
     * @throws OutOfMemoryException if there is not
     */
    public void checkGrowth(int length) {
        checkGrowth(length, 0);
    }

    /**
     * As {@link #checkGrowth(int)} for a text of which others may have evaluated the beginning.
     *
     * @param text all tokens there will be
     */
    void checkGrowth(int[] text) {
        checkGrowth(text.length, prefixes == null ? 0 : prefixes.find(kind, text, text.length - 1));
    }

    private void checkGrowth(int length, int there) {
        memory.require(length, count, sequence.length(), there);
    }

    /**
     * Another context that begins with the first tokens of this one, and shares the memory of those that are evaluated. Where the
     * model cannot stand at the last of them, they are evaluated again when logits are asked for.
     *
     * @param length tokens, not more than there are
     * @throws UnsupportedOperationException if the backend cannot share memory
     * @throws OutOfMemoryException if there is no memory for it
     */
    public TokenContext fork(int length) {
        if (!pass.canShare()) {
            throw new UnsupportedOperationException(
                    "this backend's sessions cannot be forked: their memory is not shared");
        }
        TokenContext fork =
                open(evaluator, memory.check(), prefixes, capacity(), kind.types(), kind.adapters(), vocabSize);
        try {
            int evaluated = sequence.shareable(Math.min(length, sequence.length()));
            fork.prioritize(rows.priority);
            fork.sequence.share(sequence, evaluated);
            fork.resume(source.tokens(), Arrays.copyOf(tokens, length), logitsAt == length ? logits : null);
            return fork;
        } catch (Throwable t) {
            fork.close();
            throw t;
        }
    }

    /** For saving and restoring: what it holds is of the tokens here and no others. */
    Sequence sequence() {
        dropGuesses();
        return sequence;
    }

    /** The scores of the next token, if they are there. */
    float @Nullable [] knownLogits() {
        return logitsAt == count && count > 0 ? logits : null;
    }

    /**
     * Goes on where another context was, whose sequence was restored to this one's.
     *
     * @param answered its source
     * @param all its tokens
     * @param scores of the next token, if they were there
     */
    void resume(int[] answered, int[] all, float @Nullable [] scores) {
        source.resume(answered);
        add(all); // the sequence holds them already
        if (scores != null) {
            System.arraycopy(scores, 0, logits, 0, vocabSize);
            logitsAt = count;
        }
    }

    /** Says that no evaluation follows soon: a generation has ended. */
    public void pause() {
        dropGuesses();
        evaluator.pause(rows);
        evaluation.keep(tokens);
    }

    /** How many tokens were taken over from others since the last call. */
    int takeShared() {
        return evaluation.takeShared();
    }

    /**
     * Begins anew with tokens, checked before, that are to be answered; they are read later.
     *
     * @return how many of them need not be read
     */
    public int answer(int[] tokens) {
        dropGuesses();
        int kept = source.set(tokens);
        count = 0;
        logitsAt = NONE;
        return kept;
    }

    /** Forgets everything. */
    public void reset() {
        truncate(0);
        source.forget();
    }

    /** Appends tokens, checked before, to be evaluated later. */
    public void append(int[] added) {
        dropGuesses();
        add(added);
    }

    private void add(int[] added) {
        if (count + added.length > tokens.length) {
            int length = Math.max(count + added.length, (int) Math.min(2L * tokens.length, capacity()));
            tokens = Arrays.copyOf(tokens, length);
        }
        System.arraycopy(added, 0, tokens, count, added.length);
        count += added.length;
    }

    /** Appends one token. There must be room. If it was guessed and evaluated, the scores of the next one are there. */
    public void append(int token) {
        if (sequence.length() > count) {
            if (tokens[count] == token) {
                count++;
                if (guesses.accept(count, logits)) {
                    logitsAt = count;
                    rows.countRightGuess();
                }
                return;
            }
            dropGuesses();
        }
        if (count == tokens.length) {
            tokens = Arrays.copyOf(tokens, (int) Math.min(2L * count, capacity()));
        }
        tokens[count++] = token;
    }

    /** Forgets the tokens from {@code length} on; where the model cannot go back, the rest becomes pending. */
    public void truncate(int length) {
        dropGuesses();
        if (length < sequence.length()) {
            evaluation.keep(tokens);
            if (!sequence.truncate(length)) {
                sequence.truncate(0);
            }
        }
        count = length;
        if (logitsAt > length) {
            logitsAt = NONE;
        }
    }

    /** Forgets what is pending of a prompt: its source if that was not read, and of the tokens none of the first {@code length}. */
    void dropPrompt(int length) {
        source.dropPending();
        dropPending(length);
    }

    /** Forgets pending tokens, but none of the first {@code length}. */
    public void dropPending(int length) {
        count = Math.min(count, Math.max(length, sequence.length()));
    }

    /**
     * Makes sure that {@link #nextLogits} has something to evaluate where it lacks the scores of the last token.
     *
     * @return how many tokens it will not evaluate
     */
    public int prepare() {
        if (sequence.length() >= count && logitsAt != count && !sequence.truncate(count - 1)) {
            sequence.truncate(0);
        }
        return sequence.length();
    }

    /**
     * The scores of the next token, [vocabSize], valid until the next call or the next token; evaluates what is pending.
     *
     * @throws CancellationException when cancelled; what was evaluated so far stays evaluated
     */
    public float[] nextLogits(Cancellation cancellation) {
        prepare();
        if (logitsAt != count) {
            logitsAt = NONE;
            evaluate(count - 1, logits, cancellation);
            logitsAt = count;
        }
        return logits;
    }

    /** Whether guesses can be evaluated and taken back. */
    public boolean canGuess() {
        return guesses.canTakeBack() && sequence.canGoBack();
    }

    /** What is evaluated, guesses included. */
    Sequence evaluated() {
        return sequence;
    }

    /** Guesses that were evaluated, and those of them that were right. */
    ScoredGuesses guesses() {
        return guesses;
    }

    /** Whether it takes over what others evaluated, and leaves to them what it evaluates. */
    public boolean isShared() {
        return prefixes != null;
    }

    /** Has something closed with this, in place of what was given before. */
    public void closeToo(AutoCloseable other) {
        closeCompanion();
        companion = other;
    }

    private void closeCompanion() {
        AutoCloseable other = companion;
        companion = null;
        if (other != null) {
            try {
                other.close();
            } catch (Exception e) {
                throw new IllegalStateException("what belongs to a session could not be closed", e);
            }
        }
    }

    /** Whether what is evaluated together is the same to the last bit as if it were not. */
    boolean isBatchInvariant() {
        return pass.isBatchInvariant();
    }

    /** How many guesses pay for a session alone, as {@link Evaluator#guesses}. */
    int payingGuesses(int most, double first, double further, double nanosEach) {
        return evaluator.guesses(most, first, further, nanosEach);
    }

    /**
     * As {@link #nextLogits(Cancellation)}; beside what is pending, guesses of what follows are evaluated as far as that pays. Where
     * those tokens are appended next, one by one, the scores after each are there; with the first that is another, the rest is
     * forgotten.
     *
     * @param guessed tokens, for which there is room
     * @param number of them
     * @param first how probable the first one is
     * @param further how probable each other is where those before it are right
     * @param always whether they are evaluated where that does not pay too
     */
    float[] nextLogits(
            int[] guessed, int number, double first, double further, boolean always, Cancellation cancellation) {
        prepare();
        if (number == 0 || logitsAt == count || count - sequence.length() >= PrefixCache.LEAST) {
            return nextLogits(cancellation);
        }
        if (count + number > tokens.length) {
            tokens = Arrays.copyOf(tokens, Math.clamp(2L * tokens.length, count + number, capacity()));
        }
        System.arraycopy(guessed, 0, tokens, count, number);
        logitsAt = NONE;
        try {
            guesses.begin(number, first, further, always);
            evaluate(count - 1, guesses.scores(), cancellation);
        } catch (OutOfMemoryException e) { // without the guesses there may be enough
            guesses.begin(0, 0, 0, false);
            return nextLogits(cancellation);
        } finally {
            guesses.end(count, Math.max(0, sequence.length() - count));
        }
        guesses.copy(count, logits);
        logitsAt = count;
        return logits;
    }

    /** Forgets guesses that were evaluated and not appended. */
    private void dropGuesses() {
        if (sequence.length() > count && !sequence.truncate(count)) {
            guesses.cannotTakeBack();
            sequence.truncate(0);
        }
    }

    /**
     * Why nothing can be chosen from the scores of the next token: they are no numbers, and perhaps it is known why.
     *
     * @param failure what happened instead, which is the result if the scores are numbers
     */
    NibbleException explain(NibbleException failure) {
        for (float score : logits) {
            if (Float.isNaN(score) || score == Float.POSITIVE_INFINITY) {
                return pass.hasOverflowed(sequence)
                        ? new NibbleException(
                                "the model's scores after " + count
                                        + " tokens hold no usable number: the KV cache of type "
                                        + kind.types()
                                        + " holds infinities, as keys or values of this model are beyond what that"
                                        + " type can hold; use KvCacheType.F32 (--kv f32)",
                                failure)
                        : failure;
            }
        }
        return failure;
    }

    /** Whether {@link #chooseNext} can be called and is cheaper than {@link #nextLogits}: the scores are not here yet. */
    public boolean canChoose() {
        return logitsAt != count && pass.canChoose();
    }

    /**
     * The most probable next token, the lowest id among equals; evaluates what is pending. {@link #nextLogits} gives the
     * scores it was chosen from.
     *
     * @throws CancellationException when cancelled; what was evaluated so far stays evaluated
     */
    public int chooseNext(Cancellation cancellation) {
        prepare();
        logitsAt = NONE;
        evaluate(count - 1, null, cancellation);
        return rows.chosen();
    }

    /** Natural logarithm of the probability of the token chosen last; NaN if its scores held no usable number. */
    public float chosenLogProbability() {
        return rows.chosenLogProbability();
    }

    /**
     * Appends tokens, evaluates everything pending, and gives the scores after each of them or after the last.
     *
     * @return [added.length or 1, vocabSize]
     * @throws CancellationException when cancelled; what was evaluated so far stays
     */
    public float[] evaluate(int[] added, boolean allLogits, Cancellation cancellation) {
        int outputs = allLogits ? added.length : 1;
        if ((long) outputs * vocabSize > Integer.MAX_VALUE - 8) {
            throw new IllegalArgumentException("the logits of " + outputs + " tokens over a vocabulary of " + vocabSize
                    + " do not fit one array; evaluate fewer tokens at a time");
        }
        int before = count;
        append(added);
        boolean done = false;
        try {
            float[] result = new float[outputs * vocabSize];
            evaluate(count - outputs, result, cancellation);
            System.arraycopy(result, result.length - vocabSize, logits, 0, vocabSize);
            logitsAt = count;
            done = true;
            return result;
        } finally {
            if (!done) {
                dropPending(before);
            }
        }
    }

    /**
     * Evaluates what is pending; rows from position {@code firstOutput} on want logits, or, without a place for them, a
     * token to be chosen: the last row alone.
     */
    private void evaluate(int firstOutput, float @Nullable [] result, Cancellation cancellation) {
        evaluation.run(tokens, count, firstOutput, result, cancellation);
    }

    /** Frees what the model remembers. */
    @Override
    public void close() {
        pause();
        evaluator.count(-1);
        try {
            sequence.close();
        } finally {
            memory.giveBack();
            closeCompanion();
        }
    }
}
