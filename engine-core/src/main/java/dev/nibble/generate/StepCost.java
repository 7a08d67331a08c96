package dev.nibble.generate;

/**
 * What steps of generations and rows beside them take, as measured here. How many rows of prompts go beside the sessions that
 * generate: so many that a step takes no more than some times what it takes without them. How many guesses of what they generate
 * next: so many that most tokens come of the time.
 */
final class StepCost {
    /** Rows of a prompt are evaluated in multiples of so many, as kernels like it; no fewer, that it goes on. */
    static final int GRAIN = 16;

    /** Before anything is known. */
    private static final int FIRST_ROWS = 4 * GRAIN;

    /** So many times the duration of a step goes to prompts. */
    private static final double SHARE = 1.75;

    private static final double WEIGHT = 0.2;

    /** Up to so many rows of steps are told apart. */
    private static final int MOST_ROWS = 64;

    /** What each row beside the first takes of a step before anything is known: little, so that it is tried. */
    private static final double ROW = 0.1;

    /** After so many steps, that part of what was measured is forgotten, so that what a delay made dear is tried again. */
    private static final int FORGETTING = 64;

    private static final double FORGOTTEN = 0.03;

    /** What guesses have to bring more than they take, as what is measured is not exact. */
    private static final double GAIN = 1.03;

    private double stepNanos;
    private double rowNanos;

    /** The rows of prompts for a batch with generating sessions, of the {@code most} that fit. */
    int promptRows(int most) {
        if (stepNanos == 0 || rowNanos == 0) {
            return Math.min(most, FIRST_ROWS);
        }
        long rows = (long) (SHARE * stepNanos / rowNanos);
        return (int) Math.min(most, Math.max(GRAIN, rows / GRAIN * GRAIN));
    }

    /** Learns what a batch took. */
    void add(int steps, int promptRows, long nanos) {
        if (promptRows == 0) {
            stepNanos = average(stepNanos, (double) nanos);
        } else if (promptRows >= GRAIN) {
            double besides = steps == 0 ? 0 : stepNanos;
            rowNanos = average(rowNanos, Math.max(0.1 * nanos, nanos - besides) / promptRows);
        }
    }

    /** What a step of one row takes; 0 before one was measured. */
    private double oneNanos;
    /** By rows, what a batch of steps takes in terms of one row; 0 where it was not measured. */
    private final double[] ratios = new double[MOST_ROWS + 1];

    private int untilForgetting = FORGETTING;

    /** Learns what a batch of steps took, their guesses included. */
    void addRows(int rows, long nanos) {
        if (rows > MOST_ROWS || rows < 1) {
            return;
        }
        if (rows == 1) {
            oneNanos = average(oneNanos, (double) nanos);
        } else if (oneNanos > 0) {
            double ratio = Math.clamp(nanos / oneNanos, 1, rows); // what takes longer was delayed by something else
            double before = ratios[rows] == 0 ? ratio(rows) : ratios[rows];
            ratios[rows] = before + (ratio < before ? 2 * WEIGHT : WEIGHT) * (ratio - before);
        }
        if (--untilForgetting == 0) {
            untilForgetting = FORGETTING;
            for (int i = 2; i <= MOST_ROWS; i++) {
                ratios[i] += FORGOTTEN * (Math.min(ratios[i], 1) - ratios[i]);
            }
        }
    }

    /** What a step of one session takes, in nanoseconds; 0 before one was measured. */
    double oneNanos() {
        return oneNanos;
    }

    /** What a batch of so many rows takes in terms of one row. */
    double ratio(int rows) {
        int known = Math.min(rows, MOST_ROWS);
        while (known > 1 && ratios[known] == 0) {
            known--;
        }
        double least = known <= 1 ? 1 : ratios[known];
        if (known == rows) {
            return least;
        }
        int next = rows;
        while (next <= MOST_ROWS && ratios[next] == 0) {
            next++;
        }
        double each = known == 1 ? ROW : (least - 1) / (known - 1);
        if (next <= MOST_ROWS) {
            each = Math.max(0, ratios[next] - least) / (next - known);
        }
        return least + each * (rows - known);
    }

    /**
     * How many guesses give the most tokens for the time.
     *
     * @param rows of the batch without them
     * @param tokens that come of it without them
     * @param most guesses there are
     * @param first how probable the first one is
     * @param further how probable each other is where those before it are right
     * @param each what making one takes in terms of a step of one row
     */
    int guesses(int rows, double tokens, int most, double first, double further, double each) {
        int best = 0;
        double bestRate = GAIN * tokens / ratio(rows);
        double expected = tokens;
        double probability = first;
        for (int count = 1; count <= most; count++) {
            expected += probability;
            probability *= further;
            double rate = expected / (ratio(rows + count) + each * count);
            if (rate > bestRate) {
                bestRate = rate;
                best = count;
            }
        }
        return best;
    }

    /** How many of some guesses are right on average. */
    static double expected(int guesses, double first, double further) {
        double expected = 0;
        double probability = first;
        for (int i = 0; i < guesses; i++) {
            expected += probability;
            probability *= further;
        }
        return expected;
    }

    private static double average(double before, double now) {
        return before == 0 ? now : before + WEIGHT * (now - before);
    }
}
