package dev.nibble.server.work;

/** Counts of seconds in buckets. Thread-safe. */
public final class Histogram {
    private static final double[] BOUNDS = {0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300};

    private final long[] counts = new long[BOUNDS.length + 1]; // guarded by this, as the sum
    private double sum;

    synchronized void add(double seconds) {
        int bucket = 0;
        while (bucket < BOUNDS.length && seconds > BOUNDS[bucket]) {
            bucket++;
        }
        counts[bucket]++;
        sum += seconds;
    }

    /** Writes it as Prometheus reads it. */
    public synchronized void write(StringBuilder text, String name, String help) {
        text.append("# HELP ").append(name).append(' ').append(help).append('\n');
        text.append("# TYPE ").append(name).append(" histogram\n");
        long below = 0;
        for (int i = 0; i < BOUNDS.length; i++) {
            below += counts[i];
            text.append(name)
                    .append("_bucket{le=\"")
                    .append(BOUNDS[i])
                    .append("\"} ")
                    .append(below)
                    .append('\n');
        }
        below += counts[BOUNDS.length];
        text.append(name).append("_bucket{le=\"+Inf\"} ").append(below).append('\n');
        text.append(name).append("_sum ").append(sum).append('\n');
        text.append(name).append("_count ").append(below).append('\n');
    }
}
