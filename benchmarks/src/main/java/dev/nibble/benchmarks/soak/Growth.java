package dev.nibble.benchmarks.soak;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/**
 * Tells growth from noise in numbers that were taken at regular intervals, under the same conditions.
 *
 * <p>The first fifth is warm-up. Of what is left, a quantity has grown if the median of the last third is more above that of
 * the first than is allowed, and if more than seven of ten pairs of values rise, as they do neither in noise (half of them)
 * nor after one step early on.
 */
final class Growth {
    private static final double WARM_UP = 0.2;
    private static final int LEAST = 9;
    private static final double RISING = 0.7;

    private static final List<Quantity> QUANTITIES = List.of(
            new Quantity("RSS MiB", Holdings::residentMiB, 32, 0.04),
            new Quantity("heap MiB", Holdings::heapMiB, 8, 0.04),
            new Quantity("threads", Holdings::threads, 2, 0),
            new Quantity("open files", Holdings::files, 1, 0),
            new Quantity("mapped model files", Holdings::mappings, 0, 0));

    /**
     * @param allowed by which it may differ whatever it is
     * @param share of its value by which it may differ
     */
    private record Quantity(String name, ToDoubleFunction<Holdings> value, double allowed, double share) {
        double[] of(List<Holdings> samples) {
            return samples.stream().mapToDouble(value).toArray();
        }

        double allowed(double first) {
            return Math.max(allowed, share * first);
        }
    }

    private Growth() {}

    /** Prints each quantity's first and last value after warm-up and the largest, and counts those that grew as failures. */
    static void judge(List<Holdings> samples, Tally tally) {
        int settledFrom = (int) Math.ceil(samples.size() * WARM_UP);
        List<Holdings> settled = samples.subList(settledFrom, samples.size());
        System.out.printf("%n%-20s %10s %10s %10s%n", "", "first", "last", "peak");
        for (Quantity quantity : QUANTITIES) {
            double[] values = quantity.of(settled);
            if (values.length == 0) {
                continue;
            }
            double peak = Arrays.stream(quantity.of(samples)).max().orElse(0);
            double first = median(firstThird(values));
            double last = median(lastThird(values));
            System.out.printf(Locale.ROOT, "%-20s %10.1f %10.1f %10.1f%n", quantity.name, first, last, peak);
            if (values.length >= LEAST && hasGrown(values, quantity.allowed(first))) {
                tally.failed(
                        quantity.name + " grow",
                        String.format(
                                Locale.ROOT,
                                "from %.1f to %.1f in %d looks after warm-up",
                                first,
                                last,
                                values.length));
            }
        }
        if (settled.size() < LEAST) {
            System.out.println("too short to judge growth: " + settled.size() + " looks after warm-up, of " + LEAST);
        }
    }

    static boolean hasGrown(double[] values, double allowed) {
        int pairs = 0;
        int rising = 0;
        for (int i = 0; i < values.length; i++) {
            for (int j = i + 1; j < values.length; j++) {
                pairs++;
                rising += values[j] > values[i] ? 1 : 0;
            }
        }
        return median(lastThird(values)) - median(firstThird(values)) > allowed && rising > RISING * pairs;
    }

    private static double[] firstThird(double[] values) {
        return Arrays.copyOf(values, Math.max(1, values.length / 3));
    }

    private static double[] lastThird(double[] values) {
        return Arrays.copyOfRange(values, values.length - Math.max(1, values.length / 3), values.length);
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        int half = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }
}
