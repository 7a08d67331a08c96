package dev.nibble.testdata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.nibble.GenerationOptions;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.Session;
import dev.nibble.TokenStream;
import dev.nibble.tensor.DType;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The flight recorder is told what a model does, where there is one. */
@Timeout(120)
@Tag("class-path") // the module of the tests does not read that of the recorder
class FlightRecorderTest {
    private static final int[] PROMPT = new Random(1).ints(200, 1, 250).toArray();
    private static final GenerationOptions OPTIONS =
            GenerationOptions.DEFAULT.withIgnoreEndOfGeneration(true).withMaxTokens(6);

    @TempDir
    Path folder;

    private Path model() throws IOException {
        Path file = folder.resolve("model.gguf");
        TinyModels.write("llama", 1, DType.Q8_0, file);
        return file;
    }

    static void use(Path file) throws IOException {
        LoadOptions options = LoadOptions.DEFAULT.withThreads(2);
        long budget;
        try (LanguageModel model = LanguageModel.load(file, options)) {
            budget = model.memoryPlan(256).kvCache();
        }
        try (LanguageModel model = LanguageModel.load(file, options.withKvCacheBudget(budget))) {
            for (int i = 0; i < 2; i++) {
                try (Session session = model.newSession()) {
                    session.stream(PROMPT, OPTIONS).result();
                }
            }
            try (Session session = model.newSession();
                    TokenStream stream = session.stream(new int[] {7}, OPTIONS)) {
                stream.next();
                stream.cancel();
                stream.result();
            }
            try (Session session = model.newSession()) {
                session.evaluate(new Random(2).ints(200, 1, 250).toArray(), false);
            }
        }
    }

    @Test
    void whatHappensIsRecorded() throws IOException {
        Path file = folder.resolve("recording.jfr");
        Path model = model();
        try (Recording recording = new Recording()) {
            for (String name : List.of("ModelLoad", "Batch", "PrefixHit", "PrefixEviction", "Cancellation")) {
                recording.enable("dev.nibble." + name);
            }
            recording.enable("dev.nibble.PromptEvaluation").withoutThreshold();
            recording.enable("dev.nibble.SessionWait").withoutThreshold();
            recording.start();
            use(model);
            recording.stop();
            recording.dump(file);
        }
        Map<String, List<RecordedEvent>> events = RecordingFile.readAllEvents(file).stream()
                .filter(event -> event.getEventType().getName().startsWith("dev.nibble."))
                .collect(Collectors.groupingBy(
                        event -> event.getEventType().getName().substring("dev.nibble.".length())));
        assertThat(events.get("ModelLoad")).hasSize(2).allSatisfy(event -> {
            assertThat(event.getString("file")).isEqualTo(model.toString());
            assertThat(event.getString("architecture")).isEqualTo("llama");
            assertThat(event.getLong("bytes")).isPositive();
        });
        assertThat(events.get("PromptEvaluation"))
                .extracting(event -> event.getInt("promptTokens"))
                .containsExactly(200, 200, 1);
        assertThat(events.get("PromptEvaluation"))
                .extracting(event -> event.getInt("cachedTokens"))
                .containsExactly(0, 199, 0);
        assertThat(events.get("PrefixHit"))
                .extracting(event -> event.getInt("tokens"))
                .containsExactly(199);
        assertThat(events.get("PrefixEviction"))
                .isNotEmpty()
                .anySatisfy(event -> assertThat(event.getLong("freedBytes")).isPositive());
        assertThat(events.get("Cancellation"))
                .extracting(event -> event.getInt("generatedTokens"))
                .containsExactly(1);
        assertThat(Objects.requireNonNull(events.get("Batch")).size())
                .isEqualTo(Objects.requireNonNull(events.get("SessionWait")).size())
                .isGreaterThan(10);
        assertThat(events.get("Batch")).allSatisfy(event -> {
            assertThat(event.getInt("sessions")).isEqualTo(1);
            assertThat(event.getDuration().toNanos()).isPositive();
        });
    }

    /** A runtime with the modules that are needed and no more. */
    @Test
    void aRuntimeWithoutARecorderDoesAsWell() throws Exception {
        assumeTrue(ProcessorVectors.areThere(), "this runtime has no module of vectors");
        Path output = folder.resolve("output.txt");
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--limit-modules",
                        "java.base,java.logging,jdk.incubator.vector",
                        "--add-modules",
                        "jdk.incubator.vector",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Main.class.getName(),
                        model().toString())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            assertThat(process.waitFor(100, TimeUnit.SECONDS)).isTrue();
        } finally {
            process.destroyForcibly();
        }
        String text = Files.readString(output, StandardCharsets.UTF_8);
        assertThat(process.exitValue()).as(text).isZero();
        assertThat(text).contains("recorder: false, done");
    }

    /** What the process runs. */
    static final class Main {
        private Main() {}

        public static void main(String[] arguments) throws IOException {
            use(Path.of(arguments[0]));
            System.out.println(
                    "recorder: " + ModuleLayer.boot().findModule("jdk.jfr").isPresent() + ", done");
        }
    }
}
