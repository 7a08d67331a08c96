package dev.nibble.generate;

/** What making a guess takes, on average. */
public final class GuessTime {
    /** After more tokens than that at once, the time is that of a prompt. */
    private static final int PROMPT = 2 * Drafter.MOST;

    private static final double WEIGHT = 0.1;

    private double nanosEach;

    /**
     * Learns from guesses that were made.
     *
     * @param nanos they took
     * @param made how many there are
     * @param read tokens of the text that had to be read for them
     */
    public void learn(long nanos, int made, int read) {
        if (made > 0 && read <= PROMPT) {
            double each = (double) nanos / made;
            nanosEach = nanosEach == 0 ? each : nanosEach + WEIGHT * (each - nanosEach);
        }
    }

    /** 0 before the first. */
    public double nanosEach() {
        return nanosEach;
    }
}
