package dev.nibble.generate;

import dev.nibble.KvCacheType;
import dev.nibble.KvCacheTypes;
import dev.nibble.Priority;
import dev.nibble.spi.Batch;
import dev.nibble.spi.Sequence;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The next tokens of one sequence, to be evaluated, and where their scores go. A session has one and fills it again for each
 * evaluation, so that a step allocates nothing. What is said to be the evaluator's is guarded by its lock.
 */
final class Rows {
    /** Where its evaluation stands. */
    enum State {
        /** Nothing is to be evaluated. */
        IDLE,
        /** In the line. */
        WAITING,
        /** Among those of a batch that runs. */
        RUNNING,
        /** Evaluated, or failed: see {@link #failure}. */
        DONE
    }

    /** After so many batches without any of its rows, a session goes before those of the next higher priority. */
    private static final int PATIENCE = 4;

    private final Sequence sequence;

    // what is to be evaluated: written by the session's thread before it hands this over

    private int[] tokens = new int[0];
    private int from;
    private int to;
    private int firstOutput;
    /** Receives the scores; null if tokens are to be chosen from them instead. */
    private float @Nullable [] target;

    /** How many of the last rows are guesses of what will follow, which may be left out. */
    private int guesses;
    /** How probable the first guess is, and each other where those before it are right. */
    private double firstProbability;

    private double furtherProbability;
    /** Whether guesses are evaluated as far as there is room, were it that they do not pay. */
    private boolean insists;

    private int targetAt;
    /** What sessions share that have the same tokens; null if this one does not now. */
    private @Nullable PrefixCache cache;

    private KvKind kind = new KvKind(KvCacheTypes.of(KvCacheType.F16), new float[0]);

    /** Guesses that were right since the evaluator counted them. */
    private int rightGuesses;

    private @Nullable Cancellation cancellation;
    private @Nullable Thread thread;
    /** Whether an interrupt was seen that the thread's flag no longer shows. */
    private volatile boolean interrupted;

    /** Who goes first. */
    Priority priority = Priority.NORMAL;

    // what came of it: written by the thread that leads, read when this is done

    private int chosen;
    private float chosenLogProbability = Float.NaN;

    // of the evaluator

    /** The thread that leads ends a batch without the lock. */
    volatile State state = State.IDLE;
    /** How many of the rows the batch has. */
    int taken;
    /** Batches that ran while this waited, without any of its rows. */
    int passedOver;
    /** Whether another session of the batch evaluates what this one can take over. */
    boolean follows;
    /** A batch with others failed: who fails shows when each is evaluated alone, by its own thread. */
    boolean isAlone;

    @Nullable Throwable failure;
    /** Told to the flight recorder. */
    @Nullable Object wait;

    /** When the last result was there; 0 if the next evaluation does not follow from it. */
    long doneAt;
    /** How long the session takes from a result to its next evaluation, about. */
    long returnNanos;

    boolean isExpected;
    /** Whether it is among the sessions that are generating. */
    boolean isGenerating;

    Rows(Sequence sequence) {
        this.sequence = sequence;
    }

    /**
     * Says what is to be evaluated next.
     *
     * @param allTokens of the sequence
     * @param begin first position, that at which the sequence ends
     * @param end behind the last position, of which there is one at least; not all of them need be evaluated at once
     * @param outputFrom first position whose scores are wanted
     * @param scores receives them; null if a token is to be chosen: after the last position only
     * @param at where in {@code scores}
     */
    void set(int[] allTokens, int begin, int end, int outputFrom, float @Nullable [] scores, int at) {
        if (end <= begin) { // no batch would ever have a row of it
            throw new IllegalArgumentException("nothing to evaluate from position " + begin + " to " + end);
        }
        tokens = allTokens;
        from = begin;
        to = end;
        firstOutput = outputFrom;
        target = scores;
        targetAt = at;
        guesses = 0;
    }

    /**
     * Says that the last rows are guesses of what follows: the batch may leave them out.
     *
     * @param count of them, less than there are rows
     * @param first how probable the first one is
     * @param further how probable each other is where those before it are right
     * @param always whether they are evaluated where that does not pay too
     */
    void guess(int count, double first, double further, boolean always) {
        insists = always;
        guesses = count;
        firstProbability = first;
        furtherProbability = further;
    }

    /** Says where this may take over what another session evaluates, if it may, and of which kind it has to be. */
    void share(@Nullable PrefixCache where, KvKind ofKind) {
        cache = where;
        kind = ofKind;
    }

    /** Lets others take over what was evaluated here. */
    void keep() {
        if (cache != null && !isStep()) {
            cache.keep(sequence, kind, tokens);
        }
    }

    /**
     * Whether another session evaluates what comes next here, and this one can take that over afterwards: its tokens are the same, and
     * it has come as far.
     */
    boolean canFollow(Rows other) {
        if (cache == null
                || other.cache != cache
                || !kind.equals(other.kind)
                || other.from < from
                || other == this
                || isStep()
                || other.isStep()) {
            return false;
        }
        int least = from + PrefixCache.LEAST;
        int limit = Math.min(firstOutput, other.to);
        if (!sequence.canGoBack()) {
            least = Math.max(least, other.to); // there is nothing to take over before its end
        }
        return limit >= least && PrefixCache.common(other.tokens, tokens, limit) >= least;
    }

    /** The greater, the earlier: a session that was passed over a few times goes before those of the next higher priority. */
    int rank() {
        return PATIENCE * level() + passedOver;
    }

    /** How many times the rows of a prompt of low priority this gets. */
    int share() {
        return 1 << (2 * level());
    }

    private int level() {
        return switch (priority) {
            case LOW -> 0;
            case NORMAL -> 1;
            case HIGH -> 2;
        };
    }

    boolean isAheadOf(Rows other) {
        return from > other.from;
    }

    /** Hands this over to the evaluator, for the calling thread. */
    void begin(Cancellation whether) {
        cancellation = whether;
        thread = Thread.currentThread();
        whether.wakes(thread);
        interrupted = false;
        failure = null;
    }

    /** Lets go of what belongs to the call. */
    void end() {
        if (cancellation != null) {
            cancellation.wakes(null);
        }
        cancellation = null;
        thread = null;
    }

    /** Who waits for this. */
    Thread thread() {
        return Objects.requireNonNull(thread);
    }

    /** How many rows are to be evaluated. */
    int count() {
        return to - from;
    }

    /** How many rows are to be evaluated that are no guesses. */
    int certain() {
        return to - from - guesses;
    }

    /** How many guesses there are. */
    int guesses() {
        return guesses;
    }

    boolean insists() {
        return insists;
    }

    double firstProbability() {
        return firstProbability;
    }

    double furtherProbability() {
        return furtherProbability;
    }

    /** Whether a token follows those that are evaluated, as in a generation that runs. */
    boolean isStep() {
        return to - from == 1 || guesses > 0;
    }

    /** Whether a token is to be chosen from the scores. */
    boolean chooses() {
        return target == null;
    }

    /** How many of the first {@code rows} want scores. */
    int outputs(int rows) {
        return Math.max(0, from + rows - Math.max(from, firstOutput));
    }

    /** How many of the first rows there may be for them to want no more than so many scores. */
    int rowsFor(int outputs) {
        return (int) Math.min(count(), (long) Math.max(0, firstOutput - from) + outputs);
    }

    void addTo(Batch batch) {
        for (int position = from; position < from + taken; position++) {
            batch.add(sequence, tokens[position], position >= firstOutput);
        }
    }

    /** The array for the scores of a batch that has no other rows, if it has room for them at its beginning; else null. */
    float @Nullable [] wholeTarget(int size) {
        return target != null && targetAt == 0 && target.length >= size ? target : null;
    }

    /** Takes the scores from those of a batch. */
    void takeScores(float[] scores, int at, int size) {
        if (target != null && target != scores) {
            System.arraycopy(scores, at, target, targetAt, size);
        }
    }

    /** A guess that was evaluated was right: a token more that was generated. */
    void countRightGuess() {
        rightGuesses++;
    }

    /** How many there were since the last call. */
    int takeRightGuesses() {
        int result = rightGuesses;
        rightGuesses = 0;
        return result;
    }

    void takeChoice(int token, float logProbability) {
        chosen = token;
        chosenLogProbability = logProbability;
    }

    int chosen() {
        return chosen;
    }

    float chosenLogProbability() {
        return chosenLogProbability;
    }

    /** Remembers an interrupt whose flag had to be cleared for the thread to wait. */
    void interrupt() {
        interrupted = true;
    }

    /** Whether the session gave this up; any thread may ask. */
    boolean isCancelled() {
        return interrupted
                || (cancellation != null && cancellation.isRequested())
                || (thread != null && thread.isInterrupted());
    }
}
