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
                "%s (%.1f MiB), %d threads, %d rounds%n",
                model.getFileName(), Files.size(model) / 0x1p20, arguments.threads(), arguments.rounds());
        int generate = arguments.generatedTokens();
        for (int prompt : arguments.prompts()) {
            out.printf(
                    "%nprompt %d%s%n",
                    prompt, generate == 0 ? "" : ", generation " + generate + " at depth " + arguments.depth());
            new Table(engines, rounds(engines, arguments.rounds(), prompt, generate)).print(out);
            generate = 0; // it does not depend on the prompt
        }
    }

    /** The reports of each round, in the order of {@code engines}. */
    private static List<List<Report>> rounds(List<Engine> engines, int count, int prompt, int generate)
            throws IOException, InterruptedException {
        List<List<Report>> rounds = new ArrayList<>();
        for (int round = 0; round < count; round++) {
            boolean forward = round % 2 == 0;
            List<Report> reports = new ArrayList<>();
            for (Engine engine : forward ? engines : engines.reversed()) {
                reports.add(engine.measure(prompt, generate));
            }
            rounds.add(completed(forward ? reports : reports.reversed()));
            System.err.printf("compare: prompt %d, round %d of %d%n", prompt, round + 1, count);
        }
        return rounds;
    }

    /** A program that does not tell its bandwidth or its arithmetic needs the same for a token as the one that does. */
    private static List<Report> completed(List<Report> round) {
        return completed(completed(round, Metric.PROMPT, Metric.ARITHMETIC), Metric.GENERATION, Metric.BANDWIDTH);
    }

    static List<Report> completed(List<Report> round, Metric rate, Metric derived) {
        for (Report teller : round) {
            OptionalDouble told = teller.value(derived);
            if (told.isPresent()) {
                double perToken = told.getAsDouble() / teller.value(rate).orElseThrow();
                return round.stream()
                        .map(report -> report.with(
                                derived, perToken * report.value(rate).orElseThrow()))
                        .toList();
            }
        }
        return round;
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
