package dev.nibble.generate;

/**
 * How many rows of prompts go beside the sessions that generate: so many that a step takes no more than some times what it
 * takes without them, as measured here.
 */
final class StepCost {
    /** Rows of a prompt are evaluated in multiples of so many, as kernels like it; no fewer, that it goes on. */
    static final int GRAIN = 16;

    /** Before anything is known. */
    private static final int FIRST_ROWS = 4 * GRAIN;

    /** So many times the duration of a step goes to prompts. */
    private static final double SHARE = 1.75;

    private static final double WEIGHT = 0.2;

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

    private static double average(double before, double now) {
        return before == 0 ? now : before + WEIGHT * (now - before);
    }
}
