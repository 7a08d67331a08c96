package dev.nibble.benchmarks.compare;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** A program that can be measured; each measurement is a process of its own. */
interface Engine {

    /** What the tables call it. */
    String name();

    /**
     * Measures a prompt, and a generation apart from it.
     *
     * @param generate how many tokens, 0 for no generation
     */
    Report measure(int prompt, int generate) throws IOException, InterruptedException;

    /** {@code ./nibble bench}. */
    record Nibble(Path root, Path model, Arguments arguments) implements Engine {
        @Override
        public String name() {
            return "Nibble";
        }

        @Override
        public Report measure(int prompt, int generate) throws IOException, InterruptedException {
            Program.Result result = Program.run(List.of(
                    launcher(root),
                    "bench",
                    "-m",
                    model.toString(),
                    "-p",
                    Integer.toString(prompt),
                    "-n",
                    Integer.toString(generate),
                    "-d",
                    Integer.toString(arguments.depth()),
                    "-t",
                    Integer.toString(arguments.threads()),
                    "-r",
                    "1",
                    "--json"));
            return report(name(), result);
        }

        static String launcher(Path root) {
            boolean windows = System.getProperty("os.name", "").startsWith("Windows");
            return root.resolve(windows ? "nibble.cmd" : "nibble").toString();
        }
    }

    /** llama.cpp's library, driven by {@code llama_cpp_bench.py}. */
    record LlamaCppPython(Path root, Path model, Arguments arguments, String python) implements Engine {
        @Override
        public String name() {
            return "llama.cpp";
        }

        @Override
        public Report measure(int prompt, int generate) throws IOException, InterruptedException {
            Program.Result result = Program.run(List.of(
                    python,
                    root.resolve("benchmarks/src/main/python/llama_cpp_bench.py")
                            .toString(),
                    "-m",
                    model.toString(),
                    "-p",
                    Integer.toString(prompt),
                    "-n",
                    Integer.toString(generate),
                    "-d",
                    Integer.toString(arguments.depth()),
                    "-t",
                    Integer.toString(arguments.threads())));
            return report(name(), result);
        }
    }

    /** llama.cpp's own {@code llama-bench}, which reports neither the load time nor the time to the first token. */
    record LlamaBench(Path model, Arguments arguments, String program) implements Engine {
        @Override
        public String name() {
            return "llama.cpp";
        }

        @Override
        public Report measure(int prompt, int generate) throws IOException, InterruptedException {
            Map<Metric, Double> values = new EnumMap<>(Metric.class);
            Program.Result run = run("-p", Integer.toString(prompt), "-n", "0");
            values.put(Metric.PROMPT, rate(run));
            long peak = run.peakMemory();
            if (generate > 0) {
                run = run("-p", "0", "-n", Integer.toString(generate), "-d", Integer.toString(arguments.depth()));
                values.put(Metric.GENERATION, rate(run));
                peak = Math.max(peak, run.peakMemory());
            }
            putMemory(values, peak);
            return new Report(name(), values);
        }

        private Program.Result run(String... tokens) throws IOException, InterruptedException {
            List<String> command = new ArrayList<>(List.of(program, "-m", model.toString()));
            command.addAll(List.of("-t", Integer.toString(arguments.threads()), "-ngl", "0", "-r", "1", "-o", "jsonl"));
            command.addAll(List.of(tokens));
            return Program.run(command);
        }

        private static double rate(Program.Result result) throws IOException {
            for (String line : Report.jsonLines(result.output())) {
                var rate = Report.number(line, "avg_ts");
                if (rate.isPresent()) {
                    return rate.getAsDouble();
                }
            }
            throw new IOException("llama-bench printed no avg_ts; is it a version with '-o jsonl'?");
        }
    }

    private static Report report(String name, Program.Result result) throws IOException {
        Map<Metric, Double> values = Report.metrics(result.output());
        if (!values.containsKey(Metric.PROMPT)) {
            throw new IOException(name + " printed no JSON line with its rates, but: "
                    + result.output().strip());
        }
        putMemory(values, result.peakMemory());
        return new Report(name, values);
    }

    private static void putMemory(Map<Metric, Double> values, long bytes) {
        if (bytes > 0) {
            values.put(Metric.PEAK_MEMORY, bytes / 0x1p20);
        }
    }
}
