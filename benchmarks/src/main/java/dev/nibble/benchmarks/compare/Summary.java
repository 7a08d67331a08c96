package dev.nibble.benchmarks.compare;

import java.util.Arrays;
import java.util.Locale;

/** The median of a series and its spread. */
record Summary(double median, double lowest, double highest) {

    /**
     * Summarizes at least one value.
     *
     * @throws IllegalArgumentException when there is none
     */
    static Summary of(double... values) {
        if (values.length == 0) {
            throw new IllegalArgumentException("no values to summarize");
        }
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        int middle = sorted.length / 2;
        double median = sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return new Summary(median, sorted[0], sorted[sorted.length - 1]);
    }

    /** {@code 0.93 (0.91 to 0.95)}. */
    String format(int decimals) {
        String number = "%." + decimals + "f";
        return String.format(Locale.ROOT, number + " (" + number + " to " + number + ")", median, lowest, highest);
    }
}
