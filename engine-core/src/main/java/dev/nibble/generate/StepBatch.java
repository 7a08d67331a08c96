package dev.nibble.generate;

import dev.nibble.jfr.Events;
import dev.nibble.spi.Batch;
import dev.nibble.spi.ForwardPass;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The rows of all sessions that are evaluated together, and what comes of them. Steps of sessions that generate come first, a
 * row each, then guesses of what will follow them as far as {@link StepCost} says that they pay; of prompts there are as many rows
 * beside them as it allows, which they share by their priority. Those of higher priority come first, but whoever was passed over
 * long enough before all. It is used again for each batch, so that
 * a step allocates nothing.
 */
final class StepBatch {
    /** Scores that a batch makes, about: 32 MB. What wants more is for the next batch. */
    private static final int SCORES = 1 << 23;

    private static final int LEAST_OUTPUTS = 16;

    /** A session that evaluated no longer ago than that is thought to go on generating. */
    private static final long GENERATING_NANOS = 1_000_000_000;

    private static final float[] NO_SCORES = {};

    private static final Comparator<Rows> BY_RANK =
            Comparator.comparingInt(Rows::rank).reversed();

    private final ForwardPass pass;
    private final int outputSize;
    private final int maxOutputs;
    private final Batch batch;
    private final BooleanSupplier givenUp = this::isGivenUp;
    private final StepCost cost = new StepCost();
    private final List<Rows> members = new ArrayList<>();
    /** Sessions that generate. */
    private final List<Rows> generating = new ArrayList<>();

    private int steps;
    private int guesses;
    private int promptRows;
    /** Rows and scores for which there is room yet. */
    private int room;

    private int outputs;

    private boolean choosing;
    private float @Nullable [] wholeTarget;
    private float[] scores = NO_SCORES;
    private int[] chosen = new int[0];
    private float[] chosenLogProbabilities = new float[0];
    /** Outputs that were handed out. */
    private int handedOut;

    StepBatch(ForwardPass pass) {
        this.pass = pass;
        outputSize = pass.outputSize();
        batch = new Batch(pass.isCausal() ? pass.maxBatchRows() : 1); // else texts are evaluated alone, at once
        maxOutputs = Math.max(LEAST_OUTPUTS, SCORES / outputSize);
    }

    int capacity() {
        return batch.capacity();
    }

    /** How many sessions it has rows of. */
    int members() {
        return members.size();
    }

    Rows member(int index) {
        return members.get(index);
    }

    /** Rows of sessions that generate. */
    int steps() {
        return steps;
    }

    /** Rows of guesses of what they generate next. */
    int guesses() {
        return guesses;
    }

    /** Rows of prompts. */
    int promptRows() {
        return promptRows;
    }

    /** Empties it; room for the scores of sessions that want one row each is kept. */
    void clear() {
        if (handedOut > members.size() + guesses) {
            scores = NO_SCORES;
        }
        members.clear();
        batch.clear();
        wholeTarget = null;
    }

    /**
     * Takes rows out of those that wait.
     *
     * @param own of the thread that leads: only what can be evaluated with its rows is taken
     */
    void collect(List<Rows> waiting, Rows own) {
        choosing = own.chooses();
        room = batch.capacity();
        outputs = maxOutputs;
        steps = 0;
        guesses = 0;
        promptRows = 0;
        handedOut = 0;
        for (int i = 0; i < waiting.size(); i++) {
            waiting.get(i).taken = 0;
            waiting.get(i).follows = false;
        }
        rank(waiting);
        give(first(waiting, own), 1); // a place for it, whatever comes first
        int prompts = 0;
        int shares = 0;
        for (int i = 0; i < waiting.size(); i++) {
            Rows rows = waiting.get(i);
            if (!fits(rows, own)) {
                continue;
            }
            if (rows.isStep()) {
                give(rows, rows.certain());
            } else if (rows != own && followsAnother(waiting, own, i)) {
                rows.follows = true;
            } else {
                prompts++;
                shares += rows.share();
            }
        }
        giveGuesses(waiting);
        if (prompts > 0) {
            int rows = promptRows + room;
            if (steps > 0 || someGenerate()) {
                rows = cost.promptRows(rows);
                room = rows - promptRows;
            }
            givePrompts(waiting, own, rows, shares);
            givePrompts(waiting, own, rows, 0);
        }
        move(waiting);
    }

    /** Whether the batch will have a prompt that a session can follow; of those that came as far, the first one is followed. */
    private boolean followsAnother(List<Rows> waiting, Rows own, int index) {
        Rows rows = waiting.get(index);
        for (int i = 0; i < waiting.size(); i++) {
            Rows other = waiting.get(i);
            boolean leads = other == own || i < index || other.isAheadOf(rows);
            if (leads && !other.follows && fits(other, own) && rows.canFollow(other)) {
                return true;
            }
        }
        return false;
    }

    /** Whether another has evaluated by now what a session would have to. */
    static boolean isOvertaken(List<Rows> waiting, Rows rows) {
        for (int i = 0; i < waiting.size(); i++) {
            Rows other = waiting.get(i);
            if (!other.isAlone && other.isAheadOf(rows) && rows.canFollow(other)) {
                return true;
            }
        }
        return false;
    }

    /** Puts those of higher rank first, and leaves those of equal rank in the order in which they came. */
    private static void rank(List<Rows> waiting) {
        for (int i = 1; i < waiting.size(); i++) {
            if (waiting.get(i).priority != waiting.get(0).priority) {
                waiting.sort(BY_RANK);
                return;
            }
        }
    }

    /** Who has a place in any case: the thread that leads, unless another outranks it or was passed over more often. */
    private Rows first(List<Rows> waiting, Rows own) {
        Rows first = own;
        for (int i = 0; i < waiting.size(); i++) {
            Rows rows = waiting.get(i);
            if (rows.rank() > first.rank() && fits(rows, own)) {
                first = rows;
            }
        }
        return first;
    }

    /** Each session that generates gets as many guesses as pay beside what the batch has already. */
    private void giveGuesses(List<Rows> waiting) {
        double tokens = generatingMembers(waiting);
        for (int i = 0; i < waiting.size(); i++) {
            Rows rows = waiting.get(i);
            if (rows.guesses() == 0 || rows.taken < rows.certain()) {
                continue;
            }
            double first = rows.firstProbability();
            double further = rows.furtherProbability();
            int most = Math.min(rows.guesses(), room);
            int count = rows.insists() ? most : cost.guesses(steps + guesses, tokens, most, first, further, 0);
            if (count > 0) {
                int before = steps;
                give(rows, rows.certain() + count);
                guesses += steps - before;
                steps = before;
                tokens += StepCost.expected(rows.taken - rows.certain(), first, further);
            }
        }
    }

    /** How many sessions of the batch get a token. */
    private static int generatingMembers(List<Rows> waiting) {
        int count = 0;
        for (int i = 0; i < waiting.size(); i++) {
            Rows rows = waiting.get(i);
            count += rows.isStep() && rows.taken > 0 ? 1 : 0;
        }
        return count;
    }

    /**
     * Each prompt gets its share of the rows, or as many as are left, in the order in which they stand.
     *
     * @param shares of all prompts together; 0 for what is left
     */
    private void givePrompts(List<Rows> waiting, Rows own, int all, int shares) {
        for (int i = 0; i < waiting.size(); i++) {
            Rows rows = waiting.get(i);
            if (fits(rows, own) && !rows.isStep() && !rows.follows) {
                give(rows, shares == 0 ? all : Math.max(1, all * rows.share() / shares));
            }
        }
    }

    /** Takes of some rows as many as there is room for, but no more than {@code most}. */
    private void give(Rows rows, int most) {
        int before = rows.taken;
        outputs += rows.outputs(before);
        int taken = Math.min(Math.min(most, before + room), rows.rowsFor(outputs));
        rows.taken = Math.max(before, taken);
        outputs -= rows.outputs(rows.taken);
        room -= rows.taken - before;
        if (rows.isStep()) {
            steps += rows.taken - before;
        } else {
            promptRows += rows.taken - before;
        }
    }

    /** Whether rows can be evaluated with those of the thread that leads. */
    private boolean fits(Rows rows, Rows own) {
        return rows == own || (!rows.isAlone && !own.isAlone && rows.chooses() == choosing);
    }

    /** Whether sessions are generating that are not here now. */
    private boolean someGenerate() {
        for (int i = 0; i < generating.size(); i++) {
            Rows rows = generating.get(i);
            if (rows.state == Rows.State.IDLE && System.nanoTime() - rows.doneAt < GENERATING_NANOS) {
                return true;
            }
        }
        return false;
    }

    /** Moves those of which rows were taken from the line into the batch. */
    private void move(List<Rows> waiting) {
        int kept = 0;
        for (int i = 0; i < waiting.size(); i++) {
            Rows rows = waiting.get(i);
            if (rows.taken > 0) {
                rows.passedOver = 0;
                members.add(rows);
                rows.state = Rows.State.RUNNING;
                Events.stopWait(rows.wait);
                rows.addTo(batch);
            } else {
                rows.passedOver++;
                waiting.set(kept++, rows);
            }
        }
        while (waiting.size() > kept) {
            waiting.removeLast();
        }
    }

    /** Evaluates. Whatever is thrown, no sequence has changed. */
    void run() {
        int count = batch.outputCount();
        if (choosing) {
            if (chosen.length < count) {
                chosen = new int[count];
                chosenLogProbabilities = new float[count];
            }
            pass.choose(batch, chosen, chosenLogProbabilities, givenUp);
            return;
        }
        int size = count * outputSize;
        wholeTarget = members.size() == 1 ? members.getFirst().wholeTarget(size) : null;
        if (wholeTarget == null && scores.length < size) {
            scores = new float[size];
        }
        pass.evaluate(batch, wholeTarget == null ? scores : wholeTarget, givenUp);
    }

    /** Whether nobody wants the result any more. */
    boolean isGivenUp() {
        for (int i = 0; i < members.size(); i++) {
            if (!members.get(i).isCancelled()) {
                return false;
            }
        }
        return true;
    }

    /** Gives a member its scores or its token: to each once, in their order. */
    void handOut(int index) {
        Rows rows = members.get(index);
        int count = rows.outputs(rows.taken);
        if (choosing) {
            if (count > 0) {
                rows.takeChoice(chosen[handedOut], chosenLogProbabilities[handedOut]);
            }
        } else if (wholeTarget == null) {
            rows.takeScores(scores, handedOut * outputSize, count * outputSize);
        }
        handedOut += count;
    }

    /** Learns what evaluating took, and who generates. */
    void learn(long nanos) {
        cost.add(steps, promptRows, nanos);
        if (promptRows == 0) {
            cost.addRows(steps + guesses, nanos);
        }
        for (int i = 0; i < members.size(); i++) {
            Rows rows = members.get(i);
            if (rows.isStep() && !rows.isGenerating) {
                rows.isGenerating = true;
                generating.add(rows);
            }
        }
    }

    /** How many guesses pay in a batch with one session, each of which costs {@code each} of a step to make. */
    int guesses(int most, double first, double further, double each) {
        return cost.guesses(1, 1, most, first, further, each);
    }

    /** What a step of one session takes, in nanoseconds; 0 if it is not known. */
    double stepNanos() {
        return cost.oneNanos();
    }

    /** A session generates no longer. */
    void pause(Rows rows) {
        if (rows.isGenerating) {
            rows.isGenerating = false;
            generating.remove(rows);
        }
    }
}
