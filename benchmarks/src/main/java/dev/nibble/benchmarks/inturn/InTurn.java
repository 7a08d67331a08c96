package dev.nibble.benchmarks.inturn;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Times versions of Nibble in one process, in turn, each in a class loader of its own.
 *
 * <p>What disturbs a shared machine for seconds then disturbs all of them, and each version's code is compiled for itself.
 * The order changes from round to round. The ratio is that of the speeds, within a round, to the first version's.
 */
public final class InTurn {
    private static final String USAGE = """
            usage: benchmarks/in-turn -m MODEL [options] VERSION VERSION...
              -m MODEL    a GGUF file
              -p TOKENS   a prompt of so many tokens is timed, in place of generation
              -n TOKENS   so many tokens are generated, one at a time (16)
              -t THREADS  threads of each version (the processors of this machine)
              -r ROUNDS   measurements of each version, in turn (20)
              -w SECONDS  for which each version runs before (10)
              VERSION     a checkout of Nibble in which `mvn package` was run
            """;
    private static final Set<String> OPTIONS = Set.of("-m", "-p", "-n", "-t", "-r", "-w");

    private final List<String> names = new ArrayList<>();
    private final Map<String, String> options = new HashMap<>();

    private InTurn(String[] arguments) {
        for (int i = 0; i < arguments.length; i++) {
            if (!arguments[i].startsWith("-")) {
                names.add(arguments[i]);
            } else if (OPTIONS.contains(arguments[i]) && i + 1 < arguments.length) {
                options.put(arguments[i], arguments[++i]);
            } else {
                throw new IllegalArgumentException("unknown option or no value: " + arguments[i]);
            }
        }
        if (names.isEmpty() || !options.containsKey("-m")) {
            throw new IllegalArgumentException("-m MODEL and a VERSION are needed");
        }
    }

    /** Exits with 2 for wrong options. */
    public static void main(String[] arguments) throws ReflectiveOperationException {
        try {
            new InTurn(arguments).run();
        } catch (IllegalArgumentException wrong) {
            System.err.println("in-turn: " + wrong.getMessage());
            System.err.print(USAGE);
            System.exit(2);
        }
    }

    private int number(String option, int otherwise) {
        String text = options.getOrDefault(option, Integer.toString(otherwise));
        if (!text.matches("[1-9][0-9]{0,8}")) {
            throw new IllegalArgumentException(option + " needs a whole number from 1 on, not '" + text + "'");
        }
        return Integer.parseInt(text);
    }

    private void run() throws ReflectiveOperationException {
        Path model = Path.of(options.get("-m"));
        if (!Files.isRegularFile(model)) {
            throw new IllegalArgumentException("no file " + model);
        }
        int prompt = options.containsKey("-p") ? number("-p", 1) : 0;
        int generated = number("-n", 16);
        int threads = number("-t", Runtime.getRuntime().availableProcessors());
        int rounds = number("-r", 20);
        long warmUp = number("-w", 10) * 1_000_000_000L;
        List<Workload> versions = new ArrayList<>();
        try {
            for (String name : names) {
                Workload version = VersionLoader.of(Path.of(name)).load(model, threads, prompt, generated);
                versions.add(version);
                for (long start = System.nanoTime(); System.nanoTime() - start < warmUp; ) {
                    version.run();
                }
            }
            report(prompt > 0 ? prompt : generated, measure(versions, rounds));
        } finally {
            versions.forEach(Workload::close);
        }
    }

    /** Nanoseconds, by version and round. */
    private static double[][] measure(List<Workload> versions, int rounds) {
        double[][] nanos = new double[versions.size()][rounds];
        List<Integer> order =
                new ArrayList<>(IntStream.range(0, versions.size()).boxed().toList());
        Random random = new Random(1);
        for (int round = 0; round < rounds; round++) {
            Collections.shuffle(order, random);
            for (int version : order) {
                long start = System.nanoTime();
                versions.get(version).run();
                nanos[version][round] = System.nanoTime() - start;
            }
        }
        return nanos;
    }

    private void report(int tokens, double[][] nanos) {
        for (int version = 0; version < nanos.length; version++) {
            double[] millis = new double[nanos[version].length];
            double[] ratios = new double[millis.length];
            for (int round = 0; round < millis.length; round++) {
                millis[round] = nanos[version][round] / tokens * 1e-6;
                ratios[round] = nanos[0][round] / nanos[version][round];
            }
            System.out.printf(
                    Locale.ROOT,
                    "%-24s ms/token %.3f, fastest tenth %.3f, speed ratio %.3f (quartiles %.3f to %.3f)%n",
                    names.get(version),
                    quantile(millis, 0.5),
                    quantile(millis, 0.1),
                    quantile(ratios, 0.5),
                    quantile(ratios, 0.25),
                    quantile(ratios, 0.75));
        }
    }

    private static double quantile(double[] values, double share) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[(int) (share * sorted.length)];
    }
}
