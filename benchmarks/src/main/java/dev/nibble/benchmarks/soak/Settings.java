package dev.nibble.benchmarks.soak;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What is asked for on the command line.
 *
 * @param model a model that takes part beside the tiny ones; null for none
 * @param minutes for which models are used
 * @param kernels the family that is forced; empty for the one chosen here
 * @param threads workers that use models at the same time
 * @param hangSeconds after which an operation that has not ended hangs
 * @param seed of all choices
 */
record Settings(@Nullable Path model, double minutes, String kernels, int threads, int hangSeconds, long seed) {
    static final String USAGE = """
        usage: benchmarks/soak [options]
          -m MODEL           a GGUF file that takes part beside the tiny models; without it they are alone
          --minutes N        for which models are used (30)
          --kernels FAMILY   machine, vector or scalar (the one chosen on this machine)
          --threads N        workers that use models at the same time (8)
          --hang SECONDS     after which an operation that has not ended hangs (180)
          --seed N           of all choices (1)
        """;

    private static final Map<String, String> DEFAULTS =
            Map.of("--minutes", "30", "--kernels", "", "--threads", "8", "--hang", "180", "--seed", "1");
    private static final Set<String> FAMILIES = Set.of("", "machine", "vector", "scalar");

    /**
     * Reads arguments.
     *
     * @throws IllegalArgumentException if they are wrong
     */
    static Settings parse(String... arguments) {
        Map<String, String> values = new HashMap<>(DEFAULTS);
        for (int i = 0; i < arguments.length; i += 2) {
            if (!arguments[i].equals("-m") && !DEFAULTS.containsKey(arguments[i])) {
                throw new IllegalArgumentException("unknown option " + arguments[i]);
            }
            if (i + 1 == arguments.length) {
                throw new IllegalArgumentException(arguments[i] + " needs a value");
            }
            values.put(arguments[i], arguments[i + 1]);
        }
        String kernels = values.getOrDefault("--kernels", "");
        if (!FAMILIES.contains(kernels)) {
            throw new IllegalArgumentException("--kernels is machine, vector or scalar, not '" + kernels + "'");
        }
        String model = values.get("-m");
        if (model != null && !Files.isRegularFile(Path.of(model))) {
            throw new IllegalArgumentException("no file " + model);
        }
        return new Settings(
                model == null ? null : Path.of(model).toAbsolutePath(),
                number(values, "--minutes", 0.1, 10_000),
                kernels,
                (int) number(values, "--threads", 1, 1000),
                (int) number(values, "--hang", 1, 100_000),
                (long) number(values, "--seed", Integer.MIN_VALUE, Integer.MAX_VALUE));
    }

    private static double number(Map<String, String> values, String option, double least, double most) {
        String text = values.getOrDefault(option, "");
        try {
            double value = Double.parseDouble(text);
            if (value >= least && value <= most) {
                return value;
            }
        } catch (NumberFormatException e) {
            // said below
        }
        throw new IllegalArgumentException(
                option + " needs a number from " + least + " to " + most + ", not '" + text + "'");
    }

    /** The arguments that {@link #parse} reads as these. */
    List<String> arguments() {
        List<String> arguments = new ArrayList<>();
        if (model != null) {
            arguments.addAll(List.of("-m", model.toString()));
        }
        arguments.addAll(List.of("--minutes", Double.toString(minutes), "--kernels", kernels));
        arguments.addAll(List.of("--threads", Integer.toString(threads), "--hang", Integer.toString(hangSeconds)));
        arguments.addAll(List.of("--seed", Long.toString(seed)));
        return arguments;
    }

    /** How long models are used between two looks at what the process holds. */
    double roundSeconds() {
        return Math.clamp(minutes * 60 / 20, 4, 30);
    }
}
