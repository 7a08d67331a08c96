package dev.nibble.benchmarks.compare;

import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * Measures Nibble and llama.cpp in turn, several rounds, and prints the median of each metric and of its ratio.
 *
 * <p>A ratio is taken within a round, where both programs met the same machine; the order changes from round to round.
 */
public final class Compare {
    private Compare() {}

    /** Exits with 2 for wrong options and 1 for a failed run. */
    public static void main(String[] arguments) {
        try {
            run(Arguments.parse(arguments, System.getenv()), System.out);
        } catch (IllegalArgumentException wrong) {
            System.err.println("compare: " + wrong.getMessage());
            System.err.print(Arguments.USAGE);
            System.exit(2);
        } catch (IOException failed) {
            System.err.println("compare: " + failed.getMessage());
            System.exit(1);
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
            System.exit(1);
        }
    }

    private static void run(Arguments arguments, PrintStream out) throws IOException, InterruptedException {
        Path root = Path.of(System.getProperty("nibble.root", ".")).toAbsolutePath();
        Path model = model(root, arguments.model());
        List<Engine> engines = new ArrayList<>();
        engines.add(new Engine.Nibble(root, model, arguments));
        llamaCpp(root, model, arguments)
                .ifPresentOrElse(
                        engines::add,
                        () -> System.err.println(
                                "compare: no llama-bench on the PATH and no Python with llama-cpp-python; measuring Nibble alone"
                                        + " (give --llama-bench or --python)"));
        out.printf(
                "%s (%.1f MiB), prompt %d, generation %d, %d threads, %d rounds%n",
                model.getFileName(),
                Files.size(model) / 0x1p20,
                arguments.promptTokens(),
                arguments.generatedTokens(),
                arguments.threads(),
                arguments.rounds());
        List<List<Report>> rounds = new ArrayList<>();
        for (int round = 0; round < arguments.rounds(); round++) {
            rounds.add(measure(round % 2 == 0 ? engines : engines.reversed(), engines));
            System.err.printf("compare: round %d of %d%n", round + 1, arguments.rounds());
        }
        new Table(engines, rounds).print(out);
    }

    /** One report for each engine, in the order of {@code columns}, measured in the order of {@code turns}. */
    private static List<Report> measure(List<Engine> turns, List<Engine> columns)
            throws IOException, InterruptedException {
        List<Report> reports = new ArrayList<>();
        for (Engine engine : turns) {
            reports.add(engine.measure());
        }
        List<Report> round = turns.equals(columns) ? reports : reports.reversed();
        return withBandwidth(round);
    }

    /** A program that does not tell its bandwidth reads the same bytes for a token as the one that does. */
    private static List<Report> withBandwidth(List<Report> round) {
        OptionalDouble bytesPerToken = OptionalDouble.empty();
        for (Report report : round) {
            OptionalDouble bandwidth = report.value(Metric.BANDWIDTH);
            if (bandwidth.isPresent()) {
                bytesPerToken = OptionalDouble.of(bandwidth.getAsDouble()
                        / report.value(Metric.GENERATION).getAsDouble());
            }
        }
        List<Report> completed = new ArrayList<>();
        for (Report report : round) {
            completed.add(
                    bytesPerToken.isPresent()
                            ? report.with(
                                    Metric.BANDWIDTH,
                                    bytesPerToken.getAsDouble()
                                            * report.value(Metric.GENERATION).getAsDouble())
                            : report);
        }
        return completed;
    }

    /** The file itself, or what {@code nibble pull} finds or downloads for a locator. */
    private static Path model(Path root, String model) throws IOException, InterruptedException {
        Path file = Path.of(model);
        if (Files.isRegularFile(file)) {
            return file;
        }
        String path = Program.run(List.of(Engine.Nibble.launcher(root), "pull", model))
                .output()
                .strip();
        return Path.of(path);
    }

    private static Optional<Engine> llamaCpp(Path root, Path model, Arguments arguments)
            throws IOException, InterruptedException {
        if (arguments.llamaBench().isPresent()) {
            return Optional.of(new Engine.LlamaBench(
                    model, arguments, arguments.llamaBench().get()));
        }
        if (arguments.python().isPresent()) {
            String python = arguments.python().get();
            if (!hasLlamaCpp(python)) {
                throw new IOException(python + " cannot import llama_cpp; install it with: " + python
                        + " -m pip install llama-cpp-python");
            }
            return Optional.of(new Engine.LlamaCppPython(root, model, arguments, python));
        }
        Optional<String> llamaBench = onPath("llama-bench");
        if (llamaBench.isPresent()) {
            return Optional.of(new Engine.LlamaBench(model, arguments, llamaBench.get()));
        }
        Optional<String> python = onPath("python3");
        if (python.isPresent() && hasLlamaCpp(python.get())) {
            return Optional.of(new Engine.LlamaCppPython(root, model, arguments, python.get()));
        }
        return Optional.empty();
    }

    private static boolean hasLlamaCpp(String python) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(python, "-c", "import llama_cpp")
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        return process.waitFor() == 0;
    }

    private static Optional<String> onPath(String program) {
        for (String folder : System.getenv().getOrDefault("PATH", "").split(File.pathSeparator)) {
            for (String name : List.of(program, program + ".exe")) {
                Path file = Path.of(folder, name);
                if (Files.isExecutable(file)) {
                    return Optional.of(file.toString());
                }
            }
        }
        return Optional.empty();
    }
}
