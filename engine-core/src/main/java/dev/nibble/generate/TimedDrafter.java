package dev.nibble.generate;

/** Makes guesses of one kind by evaluating, and learns what that takes on average. */
public abstract class TimedDrafter implements Drafter {
    /** After more tokens than that at once, the time is that of a prompt. */
    private static final int PROMPT = 2 * MOST;

    private static final double WEIGHT = 0.1;

    private double nanosEach;

    /**
     * Learns from guesses that were made.
     *
     * @param nanos they took
     * @param made how many there are
     * @param read tokens of the text that had to be read for them
     */
    protected final void learn(long nanos, int made, int read) {
        if (made > 0 && read <= PROMPT) {
            double each = (double) nanos / made;
            nanosEach = nanosEach == 0 ? each : nanosEach + WEIGHT * (each - nanosEach);
        }
    }

    @Override
    public final int kind() {
        return 0;
    }

    @Override
    public final double expected(int kind) {
        return 0.6;
    }

    @Override
    public final boolean isCostly() {
        return true;
    }

    @Override
    public final double nanosEach() {
        return nanosEach;
    }
}
