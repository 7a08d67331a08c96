package dev.nibble.testdata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.nibble.FinishReason;
import dev.nibble.Generation;
import dev.nibble.GenerationOptions;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.Session;
import dev.nibble.SessionOptions;
import dev.nibble.TokenStream;
import dev.nibble.tensor.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What sessions generate at once, while others are cancelled, interrupted and closed, is on machine code what each generates
 * alone: they are evaluated together, and a long prompt beside them.
 */
@Tag("batch-invariance")
@DisabledIf(
        value = "dev.nibble.testdata.ProcessorVectors#areTheUsual",
        disabledReason = "machine code for this processor has vectors of this width without being asked")
@Timeout(300)
class BatchedSessionsTest {
    private static final int SESSIONS = 24;
    private static final int CONTEXT = 160;

    @TempDir
    Path folder;

    /** One thing that is asked for. */
    private record Task(int[] prompt, GenerationOptions options, int how, int at) {}

    private static List<Task> tasks(int vocabulary) {
        SplittableRandom random = new SplittableRandom(11);
        List<Task> tasks = new ArrayList<>();
        for (int i = 0; i < SESSIONS; i++) {
            int[] prompt = random.ints(random.nextInt(1, i % 6 == 0 ? 120 : 20), 1, vocabulary)
                    .toArray();
            GenerationOptions options = GenerationOptions.DEFAULT
                    .withTemperature(1)
                    .withSeed(i)
                    .withIgnoreEndOfGeneration(true)
                    .withMaxTokens(random.nextInt(10, 30));
            tasks.add(new Task(prompt, options, random.nextInt(8), random.nextInt(1, 10)));
        }
        return tasks;
    }

    @ParameterizedTest(name = "{0} {1}")
    @CsvSource({
        "llama, Q4_0",
        "llama, Q6_K",
        "gemma3, Q8_0",
        "gpt-oss, Q4_1",
        "deepseek2, Q4_0",
        "lfm2, Q4_K",
        "qwen35, Q8_0",
        "granitehybrid, Q4_0"
    })
    void generateWhatTheyWouldAlone(String name, DType dtype) throws Exception {
        Path file = folder.resolve("model.gguf");
        TinyModels.write(name, 1, dtype, file);
        try (LanguageModel model =
                LanguageModel.load(file, LoadOptions.DEFAULT.withThreads(2).withContextLength(CONTEXT))) {
            assumeTrue(
                    model.backendDescription().contains("machine code"),
                    "no machine code here: " + model.backendDescription());
            List<Task> tasks = tasks(model.tokenizer().vocabulary().size());
            List<int[]> alone = new ArrayList<>();
            for (Task task : tasks) {
                try (Session session = model.newSession()) {
                    alone.add(session.stream(task.prompt(), task.options())
                            .result()
                            .tokens());
                }
            }
            try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
                List<Future<Generation>> running = new ArrayList<>();
                for (Task task : tasks) {
                    running.add(threads.submit(() -> run(model, task)));
                }
                for (int i = 0; i < SESSIONS; i++) {
                    Generation generation = running.get(i).get();
                    int[] tokens = generation.tokens();
                    assertThat(alone.get(i)).as("session %d", i).startsWith(tokens);
                    if (generation.finishReason() != FinishReason.CANCELLED) {
                        assertThat(tokens).as("session %d", i).isEqualTo(alone.get(i));
                    } else {
                        assertThat(tasks.get(i).how()).isLessThan(3);
                    }
                }
            }
            assertThat(model.stats().sessions()).isZero();
        }
    }

    private static Generation run(LanguageModel model, Task task) throws IOException {
        try (Session session = model.newSession(SessionOptions.DEFAULT)) {
            TokenStream stream = session.stream(task.prompt(), task.options());
            for (int count = 1; stream.hasNext(); count++) {
                stream.next();
                if (count == task.at()) {
                    giveUp(task.how(), session, stream);
                }
            }
            Thread.interrupted();
            return stream.result();
        }
    }

    private static void giveUp(int how, Session session, TokenStream stream) {
        switch (how) {
            case 0 -> stream.cancel();
            case 1 -> Thread.currentThread().interrupt();
            case 2 -> session.close();
            default -> {}
        }
    }
}
