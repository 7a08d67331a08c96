package dev.nibble.generate;

import dev.nibble.ModelStats;
import dev.nibble.jfr.Events;
import dev.nibble.spi.Batch;
import dev.nibble.spi.ForwardPass;
import dev.nibble.spi.Sequence;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Evaluates what all sessions of a model ask for, together: generating a token reads every weight once, for one session or
 * for eight. It has no thread of its own. A session's thread that finds nobody evaluating leads: it takes the rows of all that
 * wait, evaluates them in one batch and hands each its scores. The others are parked meanwhile. Each then chooses its token by
 * itself, side by side, and comes back with the next.
 *
 * <p>Sessions that were evaluated together come back one after the other. If the first left without the rest, two half batches
 * would alternate for ever. So who could lead waits, but no longer than a part of what a batch takes, for those that are known
 * to come back as fast.
 *
 * <p>A session that gives up leaves at once if it waits, or keeps what the batch makes of it; only a batch in which all gave up
 * ends early. When a batch of several fails, each is evaluated alone, by its own thread: the one at fault gets its error, the
 * others lose some time.
 *
 * <p>Thread-safe, for any kind of thread; the {@link Rows} of one session are used by one at a time.
 */
public final class Evaluator {
    /** How long is waited at most for sessions to come back. */
    private static final long MAX_GATHERING_NANOS = 20_000_000;

    /** What a batch takes is divided by this for how long is waited. */
    private static final int GATHERING_PART = 2;

    /** Of how many times a session came back the average is taken. */
    private static final int RETURNS = 4;

    private final ForwardPass pass;
    private final ReentrantLock lock = new ReentrantLock();

    // guarded by the lock

    private @Nullable Thread leader;
    private final List<Rows> waiting = new ArrayList<>(); // in the order in which they came
    /** Sessions that are to be evaluated alone, or just were. */
    private int alone;
    /** Sessions of the last batch that are to come back before the next one. */
    private int expected;
    /** Until when they are waited for. */
    private long gatheredBy;

    private int sessions;
    private long batches;
    private long evaluations;
    private long promptTokens;
    private long generatedTokens;

    /** Of the thread that leads, and guarded by the lock while it has it. */
    private final StepBatch batch;

    /**
     * @param pass evaluated by nobody else while a session waits
     */
    public Evaluator(ForwardPass pass) {
        this.pass = pass;
        batch = new StepBatch(pass);
    }

    ForwardPass pass() {
        return pass;
    }

    /** Rows that are evaluated at once at most. */
    int maxRows() {
        return batch.capacity();
    }

    /**
     * Evaluates rows, not necessarily all of them: how many, their sequence shows. None if another session evaluated the same
     * tokens meanwhile, and these can be taken over.
     *
     * @throws CancellationException when cancelled; then, as with every failure, the sequence is as it was
     * @throws IllegalStateException if the calling thread evaluates for this already
     */
    void evaluate(Rows rows, Cancellation cancellation) {
        boolean interrupted = false;
        lock.lock();
        try {
            if (leader == Thread.currentThread()) {
                throw new IllegalStateException("a model cannot evaluate while it evaluates: its observer, or what it"
                        + " asks whether to cancel, called it");
            }
            rows.begin(cancellation);
            generatedTokens += rows.takeRightGuesses();
            rows.wait = Events.beginWait();
            arrive(rows);
            try {
                while (rows.state != Rows.State.DONE) {
                    if (rows.state == Rows.State.WAITING && rows.isCancelled()) {
                        throw new CancellationException("the evaluation was cancelled while it waited for its turn");
                    }
                    if (rows.state == Rows.State.WAITING && mayLead(rows)) {
                        lead(rows);
                        wakeFirst(); // others had all the rows, and who has come meanwhile may stand before this
                    } else {
                        interrupted |= await(rows);
                    }
                }
            } finally {
                leave(rows);
            }
        } finally {
            lock.unlock();
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
        rethrow(rows.failure);
    }

    /**
     * Has the encoder read a source, a batch of its own; its turn is among the other batches.
     *
     * @throws CancellationException when cancelled; the sequence holds nothing then, as after every failure
     */
    void encode(Sequence sequence, int[] source, Cancellation cancellation) {
        evaluateAlone(source.length, () -> pass.encode(sequence, source, cancellation));
    }

    /**
     * Evaluates a whole text in which tokens see those behind them, a batch of its own likewise.
     *
     * @param scores receives those of the rows that want them
     * @throws CancellationException when cancelled
     */
    void evaluateText(Batch text, float[] scores, Cancellation cancellation) {
        evaluateAlone(text.size(), () -> pass.evaluate(text, scores, cancellation));
    }

    private void evaluateAlone(int tokens, Runnable evaluation) {
        Object event = Events.beginBatch();
        evaluation.run();
        Events.endBatch(event, 1, 0, tokens);
        lock.lock();
        try {
            batches++;
            evaluations++;
            promptTokens += tokens;
        } finally {
            lock.unlock();
        }
    }

    /**
     * How many guesses of what a session generates next pay, were it alone.
     *
     * @param most of them
     * @param first how probable the first one is
     * @param further how probable each other is where those before it are right
     * @param nanosEach what making one takes
     */
    int guesses(int most, double first, double further, double nanosEach) {
        lock.lock();
        try {
            double step = batch.stepNanos();
            return batch.guesses(most, first, further, step == 0 ? 0 : nanosEach / step);
        } finally {
            lock.unlock();
        }
    }

    /** Counts a session, with 1 where it begins and -1 where it ends. */
    void count(int change) {
        lock.lock();
        try {
            sessions += change;
        } finally {
            lock.unlock();
        }
    }

    /** Says that a session will not evaluate soon, so that nobody waits for it. */
    void pause(Rows rows) {
        lock.lock();
        try {
            unexpect(rows);
            generatedTokens += rows.takeRightGuesses();
            rows.doneAt = 0;
            rows.returnNanos = 0;
            batch.pause(rows);
            wakeFirst();
        } finally {
            lock.unlock();
        }
    }

    /** What was done until now. */
    public ModelStats stats() {
        lock.lock();
        try {
            return ModelStats.NONE
                    .withSessions(sessions, waiting.size())
                    .withBatches(batches, evaluations)
                    .withTokens(promptTokens, generatedTokens);
        } finally {
            lock.unlock();
        }
    }

    private void arrive(Rows rows) {
        if (rows.doneAt != 0) {
            long took = Math.min(System.nanoTime() - rows.doneAt, RETURNS * MAX_GATHERING_NANOS);
            rows.returnNanos += (took - rows.returnNanos) / RETURNS;
        }
        unexpect(rows);
        rows.state = Rows.State.WAITING;
        waiting.add(rows);
    }

    private void unexpect(Rows rows) {
        if (rows.isExpected) {
            rows.isExpected = false;
            expected--;
        }
    }

    private boolean mayLead(Rows rows) {
        if (leader != null) {
            return false;
        }
        if (alone > 0) {
            return rows.isAlone;
        }
        return expected == 0 || System.nanoTime() - gatheredBy >= 0;
    }

    /** Parks the thread, without the lock, until something may have changed. Whether it was interrupted. */
    private boolean await(Rows rows) {
        // one of those that wait keeps the time
        boolean gathers = leader == null && alone == 0 && rows == waiting.getFirst();
        long until = gatheredBy;
        lock.unlock();
        try {
            if (gathers) {
                LockSupport.parkNanos(this, until - System.nanoTime());
            } else {
                LockSupport.park(this);
            }
            if (Thread.interrupted()) { // else parking would return at once, again and again
                rows.interrupt();
                return true;
            }
            return false;
        } finally {
            lock.lock();
        }
    }

    /** Ends a thread's call, whatever ended it; not while a batch uses its sequence. */
    private void leave(Rows rows) {
        while (rows.state == Rows.State.RUNNING) {
            await(rows);
        }
        if (rows.state == Rows.State.WAITING) {
            waiting.remove(rows);
        }
        if (rows.isAlone) {
            rows.isAlone = false;
            alone--;
        }
        rows.state = Rows.State.IDLE;
        Events.endWait(rows.wait, waiting.size());
        rows.wait = null;
        rows.end();
        wakeFirst();
    }

    /** Has the first of those that wait look whether to lead, or until when to wait. */
    private void wakeFirst() {
        if (leader != null) {
            return;
        }
        for (int i = 0; i < waiting.size(); i++) {
            Rows rows = waiting.get(i);
            if (rows.isAlone || alone == 0) {
                if (rows.thread() != Thread.currentThread()) {
                    LockSupport.unpark(rows.thread());
                }
                return;
            }
        }
    }

    /** Evaluates a batch with the rows of the calling thread, without the lock, and hands out what came of it. */
    private void lead(Rows own) {
        if (!own.isAlone && StepBatch.isOvertaken(waiting, own)) {
            waiting.remove(own);
            own.state = Rows.State.DONE; // with nothing evaluated: it has to look what there is to take over
            return;
        }
        leader = Thread.currentThread();
        try {
            batch.collect(waiting, own);
            long begin = System.nanoTime();
            Throwable failure = null;
            lock.unlock();
            try {
                Object event = Events.beginBatch();
                batch.run();
                Events.endBatch(event, batch.members(), batch.steps(), batch.promptRows());
            } catch (Throwable t) { // whatever it is, others wait for it
                failure = t;
            } finally {
                lock.lock();
            }
            if (failure == null) {
                end(System.nanoTime() - begin);
            } else if (failure instanceof CancellationException && batch.isGivenUp()) {
                fail(null);
            } else if (batch.members() == 1) {
                fail(failure);
            }
        } finally {
            separate();
            batch.clear();
            leader = null;
        }
    }

    /** Counts a batch, and hands out its scores, without the lock. */
    private void end(long nanos) {
        batch.learn(nanos);
        batches++;
        evaluations += batch.members();
        promptTokens += batch.promptRows();
        generatedTokens += batch.steps();
        long gathering = Math.min(nanos / GATHERING_PART, MAX_GATHERING_NANOS);
        long now = System.nanoTime();
        gatheredBy = now + gathering;
        for (int i = 0; i < batch.members(); i++) {
            Rows rows = batch.member(i);
            rows.doneAt = now;
            if (rows.returnNanos <= gathering && !rows.isExpected) {
                rows.isExpected = true;
                expected++;
            }
        }
        boolean followed = isFollowed();
        lock.unlock();
        try {
            for (int i = 0; followed && i < batch.members(); i++) {
                batch.member(i).keep();
            }
            for (int i = 0; i < batch.members(); i++) {
                batch.handOut(i);
                done(batch.member(i));
            }
        } finally {
            lock.lock();
        }
        letFollow();
    }

    /** Whether some wait for what the batch evaluated; those that came while it ran are found only now. */
    private boolean isFollowed() {
        boolean any = false;
        for (int i = 0; i < waiting.size(); i++) {
            Rows rows = waiting.get(i);
            for (int member = 0; member < batch.members() && !rows.follows && !rows.isAlone; member++) {
                rows.follows = rows.canFollow(batch.member(member));
            }
            any |= rows.follows;
        }
        return any;
    }

    /** Those that waited for what another session of the batch evaluated go and take it over. */
    private void letFollow() {
        for (int i = waiting.size() - 1; i >= 0; i--) {
            Rows rows = waiting.get(i);
            if (rows.follows) {
                rows.follows = false;
                waiting.remove(i);
                done(rows);
            }
        }
    }

    /** Ends a batch that failed, or, without a failure, was given up by all. */
    private void fail(@Nullable Throwable failure) {
        for (int i = 0; i < batch.members(); i++) {
            Rows rows = batch.member(i);
            rows.failure = failure == null ? new CancellationException("the evaluation was cancelled") : failure;
            done(rows);
        }
    }

    private static void done(Rows rows) {
        Thread thread = rows.thread(); // before it can leave
        rows.state = Rows.State.DONE;
        if (thread != Thread.currentThread()) {
            LockSupport.unpark(thread);
        }
    }

    /** Those of a batch that failed as a whole are next, one by one. */
    private void separate() {
        for (int i = batch.members() - 1; i >= 0; i--) {
            Rows rows = batch.member(i);
            if (rows.state == Rows.State.RUNNING) {
                rows.state = Rows.State.WAITING;
                waiting.addFirst(rows);
                if (!rows.isAlone) {
                    rows.isAlone = true;
                    alone++;
                }
            }
        }
    }

    private static void rethrow(@Nullable Throwable failure) {
        switch (failure) {
            case null -> {}
            case RuntimeException exception -> throw exception;
            case Error error -> throw error;
            default -> throw new IllegalStateException("the evaluation failed: " + failure, failure);
        }
    }
}
