package dev.nibble.cpu.kernel;

import static org.assertj.core.api.Assertions.assertThat;

/** Collects deviations from an oracle and fails with the worst one, measured by its own bound. */
public final class WorstError {
    private final String what;
    private String worst = "";
    private double worstRatio = -1;

    public WorstError(String what) {
        this.what = what;
    }

    /** One value; {@code bound} is what rounding can amount to at most. */
    public void add(String index, double expected, double actual, double bound) {
        double ratio = Math.abs(actual - expected) / bound;
        if (actual == expected) {
            ratio = 0;
        }
        if (ratio > worstRatio || Double.isNaN(ratio)) {
            worstRatio = Double.isNaN(ratio) ? Double.POSITIVE_INFINITY : ratio;
            worst = what + ", worst at " + index + ": expected " + expected + ", actual " + actual + ", bound " + bound;
        }
    }

    /** Fails if a value was beyond its bound, or if there were none. */
    public void check() {
        assertThat(worstRatio).as("%s", worst).isBetween(0.0, 1.0);
    }
}
