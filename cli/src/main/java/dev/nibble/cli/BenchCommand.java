package dev.nibble.cli;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.nibble.Generation;
import dev.nibble.GenerationOptions;
import dev.nibble.GenerationStats;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.Session;
import dev.nibble.SessionOptions;
import dev.nibble.Speculation;
import dev.nibble.TokenStream;
import dev.nibble.cli.models.ResolvedModel;
import dev.nibble.model.ModelSource;
import java.io.IOException;
import java.lang.management.CompilationMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "bench",
        description = "Measures how fast a model evaluates a prompt and generates.",
        footer = {
            "",
            "After a warm-up that lasts until the JVM has compiled what runs, each repetition evaluates a prompt of -p"
                    + " random tokens in an empty session, and generates -n tokens after a single one, or after -d of"
                    + " them, in another. Shown are the median and the range of the repetitions. GB/s are the bytes of"
                    + " weights that one token needs times the tokens a second: what the memory has to deliver; in"
                    + " parentheses, what all processors together read of the file. GMAC/s are the multiply-adds with the"
                    + " weights of the layers, in a prompt.",
            "",
            "With --sessions, conversations run at once, each in its own thread with its own random prompt and with"
                    + " sampling: tokens a second of all together, sessions evaluated together on average, the time to the"
                    + " first token, and between two of a session. With --shared-prefix all prompts of a run begin with the"
                    + " same tokens, which one of them evaluates and the others take over; without it they share nothing.",
            "",
            "Each token is evaluated by itself unless --lookup, --draft or --mtp is given: after random tokens a model soon"
                    + " repeats itself, and guesses are right more often than in texts.",
            "",
            "Examples:",
            "  nibble bench -m model.gguf",
            "  nibble bench -m model.gguf -p 512 -n 128 -d 4096 -r 5 -t 4 --json",
            "  nibble bench -m model.gguf -p 128 -n 64 --sessions 1,4,16",
            "  nibble bench -m model.gguf -p 32 -n 64 --sessions 10 --shared-prefix 1000"
        })
final class BenchCommand extends ModelCommand {
    private static final long WARM_UP_NANOS = 5_000_000_000L;
    private static final long LONGEST_WARM_UP_NANOS = 30_000_000_000L;

    /** Share of the time that the JVM compiles, below which it is taken to be done. */
    private static final double COMPILING = 0.05;

    private static final int SEED = 42;

    @Mixin
    private final ModelArgument model = new ModelArgument();

    @Option(
            names = {"-p", "--prompt-tokens"},
            paramLabel = "N",
            defaultValue = "256",
            description = "Tokens of the prompt, 0 to leave it out (default: ${DEFAULT-VALUE}).")
    private int promptTokens;

    @Option(
            names = {"-n", "--generate"},
            paramLabel = "N",
            defaultValue = "32",
            description = "Tokens to generate, 0 to leave it out (default: ${DEFAULT-VALUE}).")
    private int generateTokens;

    @Option(
            names = {"-d", "--depth"},
            paramLabel = "N",
            defaultValue = "0",
            description = "Tokens in the context before those generated (default: ${DEFAULT-VALUE}).")
    private int depth;

    @Option(
            names = {"-r", "--repetitions"},
            paramLabel = "N",
            defaultValue = "3",
            description = "Repetitions (default: ${DEFAULT-VALUE}).")
    private int repetitions;

    @Option(
            names = "--sessions",
            paramLabel = "N",
            split = ",",
            description = "Conversations at once, one or more numbers: measure each.")
    private int[] sessions = {};

    @Option(
            names = "--shared-prefix",
            paramLabel = "N",
            defaultValue = "0",
            description =
                    "With --sessions: tokens before those of -p that all prompts begin with (default: ${DEFAULT-VALUE}).")
    private int sharedPrefix;

    @Mixin
    private final SpeculationOptions speculation = new SpeculationOptions();

    @Option(names = "--json", description = "Print one JSON object; with --sessions, an array of them.")
    private boolean json;

    /** What is measured is every token by itself, unless guesses are asked for. */
    private GenerationOptions options =
            GenerationOptions.GREEDY.withIgnoreEndOfGeneration(true).withSpeculation(Speculation.none());

    @Override
    void execute() throws IOException {
        if (promptTokens < 0 || generateTokens < 0 || promptTokens + generateTokens == 0) {
            throw new UsageException("-p and -n must be 0 or more, and not both 0");
        }
        if (depth < 0) {
            throw new UsageException("-d must be 0 or more, not " + depth);
        }
        if (repetitions < 1) {
            throw new UsageException("-r must be 1 or more, not " + repetitions);
        }
        ResolvedModel resolved = open(model.locator());
        Path file = resolved.file();
        if (sharedPrefix != 0 && sessions.length == 0) {
            throw new UsageException("--shared-prefix goes with --sessions");
        }
        if (sessions.length > 0) {
            measureSessions(resolved);
            return;
        }
        long bytesPerToken;
        long multiplyAddsPerToken;
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("model", file.toString());
        try (ModelSource source = LanguageModel.open(file)) {
            ModelFacts facts = new ModelFacts(source);
            bytesPerToken = facts.bytesPerToken();
            multiplyAddsPerToken = facts.multiplyAddsPerToken();
            result.put("architecture", facts.architecture());
            result.put("type", facts.quantization());
            result.put("parameters", facts.parameters());
            result.put("weight_bytes", facts.weightBytes());
        }
        long begun = System.nanoTime();
        try (LanguageModel draft = speculation.open(this);
                LanguageModel loaded = load(resolved, LoadOptions.DEFAULT)) {
            options = speculation.with(options, draft);
            double loadSeconds = (System.nanoTime() - begun) * 1e-9;
            result.put("backend", loaded.backendDescription());
            result.put("repetitions", repetitions);
            result.put("load_seconds", loadSeconds);
            measure(loaded, bytesPerToken, multiplyAddsPerToken, result);
        }
        if (generateTokens > 0) {
            result.put("read_gigabytes_per_second", ReadSpeed.of(file) * 1e-9);
        }
        if (json) {
            out().println(JSON.std.asString(result));
        } else {
            print(result);
        }
    }

    private void measureSessions(ResolvedModel resolved) throws IOException {
        if (promptTokens == 0 || generateTokens == 0 || depth > 0) {
            throw new UsageException("with --sessions, -p and -n must be 1 or more, and there is no -d");
        }
        for (int count : sessions) {
            if (count < 1) {
                throw new UsageException("--sessions must be 1 or more, not " + count);
            }
        }
        if (sharedPrefix < 0) {
            throw new UsageException("--shared-prefix must be 0 or more, not " + sharedPrefix);
        }
        List<SessionsBench.Result> results = new ArrayList<>();
        try (LanguageModel draft = speculation.open(this);
                LanguageModel loaded = load(resolved, LoadOptions.DEFAULT)) {
            SessionsBench bench = new SessionsBench(
                    loaded, promptTokens, generateTokens, sharedPrefix, speculation.with(options, draft));
            if (!json) {
                out().println(SessionsBench.Result.head());
            }
            for (int count : sessions) {
                err().println("Sessions: " + count + " ...");
                SessionsBench.Result result = bench.measure(count, repetitions);
                results.add(result);
                if (!json) {
                    out().println(result.row());
                }
            }
        }
        if (json) {
            out().println(JSON.std.asString(
                    results.stream().map(SessionsBench.Result::values).toList()));
        }
    }

    private void measure(
            LanguageModel loaded, long bytesPerToken, long multiplyAddsPerToken, Map<String, Object> result) {
        int context = Math.max(promptTokens + 1, Math.max(depth, 1) + generateTokens);
        int[] prompt = randomTokens(promptTokens, loaded.config().vocabSize());
        int[] before = randomTokens(Math.max(depth, 1), loaded.config().vocabSize());
        double[] promptRates = new double[repetitions];
        double[] generationRates = new double[repetitions];
        double[] firstTokenSeconds = new double[repetitions];
        try (Session session = loaded.newSession(
                SessionOptions.DEFAULT.withContextLength(context).withPrivate(true))) {
            err().println("Warming up ...");
            warmUp(session, prompt, before);
            for (int i = 0; i < repetitions; i++) {
                err().println("Repetition " + (i + 1) + " of " + repetitions + " ...");
                GenerationStats evaluated = run(session, prompt, 1);
                promptRates[i] = evaluated.promptTokensPerSecond();
                firstTokenSeconds[i] = evaluated.timeToFirstToken().toNanos() * 1e-9;
                generationRates[i] = generate(session, before).generationTokensPerSecond();
            }
        }
        if (promptTokens > 0) {
            result.put("prompt_tokens", promptTokens);
            put(result, "prompt_tokens_per_second", promptRates);
            put(result, "time_to_first_token_seconds", firstTokenSeconds);
            result.put("multiply_adds_per_token", multiplyAddsPerToken);
            result.put("gigamacs_per_second", median(promptRates) * multiplyAddsPerToken * 1e-9);
        }
        if (generateTokens > 0) {
            result.put("generated_tokens", generateTokens);
            result.put("depth", depth);
            put(result, "generation_tokens_per_second", generationRates);
            result.put("weight_bytes_per_token", bytesPerToken);
            result.put("gigabytes_per_second", median(generationRates) * bytesPerToken * 1e-9);
        }
    }

    private void warmUp(Session session, int[] prompt, int[] before) {
        CompilationMXBean compiler = ManagementFactory.getCompilationMXBean();
        boolean timed = compiler != null && compiler.isCompilationTimeMonitoringSupported();
        long begun = System.nanoTime();
        boolean compiling;
        long end;
        do {
            long start = System.nanoTime();
            long compiledMillis = timed ? compiler.getTotalCompilationTime() : 0;
            run(session, prompt, 1);
            generate(session, before);
            end = System.nanoTime();
            compiling = timed && compiler.getTotalCompilationTime() - compiledMillis > COMPILING * (end - start) * 1e-6;
        } while (end - begun < WARM_UP_NANOS || compiling && end - begun < LONGEST_WARM_UP_NANOS);
    }

    /** Generates after {@code before}: one token more than is counted, as the first one's time is the prompt's. */
    private GenerationStats generate(Session session, int[] before) {
        return run(session, before, generateTokens == 0 ? 0 : generateTokens + 1);
    }

    /** Evaluates {@code tokens} in the emptied session and goes on for {@code count} tokens. */
    private GenerationStats run(Session session, int[] tokens, int count) {
        session.reset();
        if (tokens.length == 0 || count == 0) {
            return GenerationStats.NONE;
        }
        try (TokenStream stream = session.stream(tokens, options.withMaxTokens(count))) {
            Generation generation = stream.result();
            return generation.stats();
        }
    }

    private static int[] randomTokens(int count, int vocabSize) {
        return new Random(SEED).ints(count, 0, vocabSize).toArray();
    }

    private static void put(Map<String, Object> result, String name, double[] values) {
        result.put(name, median(values));
        result.put(name + "_min", Arrays.stream(values).min().orElse(0));
        result.put(name + "_max", Arrays.stream(values).max().orElse(0));
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        int middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    private void print(Map<String, Object> result) {
        row("model", result.get("model") + " (" + result.get("architecture") + ", " + result.get("type") + ")");
        row("backend", String.valueOf(result.get("backend")));
        row("load", format("%.2f s", result, "load_seconds"));
        if (promptTokens > 0) {
            row(
                    "prompt",
                    promptTokens + " tokens, " + rate(result, "prompt_tokens_per_second")
                            + format(", %.1f GMAC/s", result, "gigamacs_per_second"));
            row("first token", format("%.3f s", result, "time_to_first_token_seconds"));
        }
        if (generateTokens > 0) {
            row(
                    "generation",
                    generateTokens + " tokens" + (depth > 0 ? " after " + depth : "") + ", "
                            + rate(result, "generation_tokens_per_second")
                            + format(", %.1f GB/s", result, "gigabytes_per_second")
                            + format(" (the processors read %.1f)", result, "read_gigabytes_per_second"));
        }
    }

    private void row(String name, String value) {
        out().println(String.format(Locale.ROOT, "%-12s %s", name, value));
    }

    private static String rate(Map<String, Object> result, String name) {
        return format("%.1f tokens/s", result, name)
                + format(" (%.1f", result, name + "_min")
                + format(" to %.1f)", result, name + "_max");
    }

    private static String format(String format, Map<String, Object> result, String name) {
        return String.format(Locale.ROOT, format, result.get(name));
    }
}
