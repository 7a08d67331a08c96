package dev.nibble.testdata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.EmbeddingModel;
import dev.nibble.EmbeddingOptions;
import dev.nibble.Engine;
import dev.nibble.EngineOptions;
import dev.nibble.GenerationOptions;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.ModelFormatException;
import dev.nibble.OutOfMemoryException;
import dev.nibble.Session;
import dev.nibble.gguf.GgufFile;
import dev.nibble.model.Model.Pooling;
import dev.nibble.tensor.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Models of one engine run on the same threads, at once and whatever is closed first. */
@Timeout(120)
class SharedEngineTest {
    private static final EmbeddingOptions MEAN = EmbeddingOptions.DEFAULT.withPooling(Pooling.MEAN);
    private static final GenerationOptions OPTIONS =
            GenerationOptions.DEFAULT.withTemperature(1).withSeed(5).withMaxTokens(12);

    @TempDir
    Path folder;

    private Path llama;
    private Path gemma;
    private Set<Thread> before;

    @BeforeEach
    void write() throws IOException {
        llama = folder.resolve("llama.gguf");
        gemma = folder.resolve("gemma3.gguf");
        TinyModels.write("llama", 1, DType.Q8_0, llama);
        TinyModels.write("gemma3", 1, DType.Q4_0, gemma);
        before = workers();
    }

    private static Set<Thread> workers() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("nibble-worker"))
                .collect(Collectors.toSet());
    }

    private Set<Thread> started() {
        Set<Thread> now = workers();
        now.removeAll(before);
        return now;
    }

    private void assertAllEnd() throws InterruptedException {
        for (Thread thread : started()) {
            thread.join(TimeUnit.SECONDS.toMillis(30));
            assertThat(thread.isAlive()).as(thread.getName()).isFalse();
        }
    }

    private void assertThreeModelsHave(int count, LoadOptions options) throws Exception {
        try (LanguageModel first = LanguageModel.load(llama, options);
                LanguageModel second = LanguageModel.load(gemma, options);
                EmbeddingModel third = EmbeddingModel.load(llama, options, MEAN)) {
            first.newSession().generate("abc", OPTIONS);
            second.newSession().generate("abc", OPTIONS);
            third.embed("abc");
            assertThat(started()).hasSize(count);
        }
    }

    @Test
    void threeModelsHaveTheThreadsOfOne() throws Exception {
        assertThreeModelsHave(2, LoadOptions.DEFAULT.withThreads(3));
        assertAllEnd();
        try (Engine engine = Engine.open(EngineOptions.DEFAULT.withThreads(3))) {
            assertThat(started()).isEmpty();
            assertThreeModelsHave(2, LoadOptions.DEFAULT.withEngine(engine));
            Set<Thread> kept = started();
            assertThat(kept).hasSize(2);
            assertThreeModelsHave(2, LoadOptions.DEFAULT.withEngine(engine));
            assertThat(started()).isEqualTo(kept);
        }
        assertAllEnd();
    }

    @Test
    void aModelMayUseFewerThreadsThanItsEngineHas() throws Exception {
        try (Engine engine = Engine.open(EngineOptions.DEFAULT.withThreads(3))) {
            LoadOptions options = LoadOptions.DEFAULT.withEngine(engine);
            try (LanguageModel narrow = LanguageModel.load(llama, options.withThreads(2));
                    LanguageModel wide = LanguageModel.load(llama, options)) {
                assertThat(narrow.backendDescription()).contains("2 threads");
                assertThat(wide.backendDescription()).contains("3 threads");
                assertThat(started()).hasSize(2);
                assertThat(narrow.newSession().generate("abc", OPTIONS).tokens())
                        .isEqualTo(wide.newSession().generate("abc", OPTIONS).tokens());
            }
            assertThatThrownBy(() -> LanguageModel.load(llama, options.withThreads(4)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("threads must be at most the 3 of the engine, not 4; set them with"
                            + " EngineOptions.withThreads");
        }
        assertAllEnd();
    }

    @Test
    void modelsWithoutAnEngineHaveTheThreadsOfTheOneThatAskedForMost() throws Exception {
        try (LanguageModel two = LanguageModel.load(llama, LoadOptions.DEFAULT.withThreads(2))) {
            assertThat(started()).hasSize(1);
            try (LanguageModel four = LanguageModel.load(llama, LoadOptions.DEFAULT.withThreads(4))) {
                assertThat(started()).hasSize(3);
                assertThat(two.backendDescription()).contains("2 threads");
                assertThat(four.backendDescription()).contains("4 threads");
            }
            two.newSession().generate("abc", OPTIONS);
        }
        assertAllEnd();
    }

    @Test
    void modelsThatEvaluateAtOnceDoNotDisturbEachOther() throws Exception {
        try (Engine engine = Engine.open(EngineOptions.DEFAULT.withThreads(3));
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            LoadOptions options = LoadOptions.DEFAULT.withEngine(engine);
            try (LanguageModel first = LanguageModel.load(llama, options);
                    LanguageModel second = LanguageModel.load(gemma, options.withThreads(2));
                    EmbeddingModel third = EmbeddingModel.load(llama, options, MEAN)) {
                List<Callable<Object>> tasks = List.of(
                        () -> List.of(
                                first.newSession().generate("one", OPTIONS).text()),
                        () -> List.of(
                                second.newSession().generate("two", OPTIONS).text()),
                        () -> third.embed(List.of("three", "a longer text", "x")).stream()
                                .map(java.util.Arrays::toString)
                                .toList());
                List<Object> alone = new ArrayList<>();
                for (Callable<Object> task : tasks) {
                    alone.add(task.call());
                }
                List<Future<Object>> results = new ArrayList<>();
                for (int i = 0; i < 90; i++) {
                    results.add(threads.submit(tasks.get(i % tasks.size())));
                }
                for (int i = 0; i < results.size(); i++) {
                    assertThat(results.get(i).get()).isEqualTo(alone.get(i % tasks.size()));
                }
            }
        }
        assertAllEnd();
    }

    @Test
    void anEngineThatIsClosedFirstServesTheModelsThatItHas() throws Exception {
        Engine engine = Engine.open(EngineOptions.DEFAULT.withThreads(2));
        LoadOptions options = LoadOptions.DEFAULT.withEngine(engine);
        try (LanguageModel model = LanguageModel.load(llama, options);
                Session session = model.newSession()) {
            int[] tokens = session.generate("abc", OPTIONS).tokens();
            engine.close();
            session.reset();
            assertThat(session.generate("abc", OPTIONS).tokens()).isEqualTo(tokens);
            assertThatThrownBy(() -> LanguageModel.load(llama, options)).hasMessage("the engine is closed");
        }
        assertAllEnd();
    }

    @Test
    void aLoadThatFailsLeavesTheEngineAsItWas() throws Exception {
        Path bad = folder.resolve("bad.gguf");
        try (GgufFile base = GgufFile.open(llama)) {
            new HostileModel(base).set("general.sampling.temp", -1.0).write(bad);
        }
        try (Engine engine = Engine.open(EngineOptions.DEFAULT.withThreads(2))) {
            LoadOptions options = LoadOptions.DEFAULT.withEngine(engine);
            for (int i = 0; i < 3; i++) {
                assertThatThrownBy(() -> LanguageModel.load(bad, options)).isInstanceOf(ModelFormatException.class);
            }
            assertThat(started()).hasSize(1);
        }
        assertAllEnd();
    }

    @Test
    void modelsTakeTheirMemoryFromTheBudgetAndGiveItBack() throws Exception {
        long needed;
        try (Engine engine = Engine.open(EngineOptions.DEFAULT.withThreads(2))) {
            LoadOptions options = LoadOptions.DEFAULT.withEngine(engine);
            try (LanguageModel model = LanguageModel.load(llama, options)) {
                needed = engine.memoryUsed();
                assertThat(needed).isEqualTo(model.memoryPlan().workspace());
            }
            try (EmbeddingModel model = EmbeddingModel.load(llama, options, MEAN)) {
                long before = engine.memoryUsed();
                model.embed(List.of("some", "texts"));
                assertThat(engine.memoryUsed()).isEqualTo(before);
            }
            assertThat(engine.memoryUsed()).isZero();
        }
        try (Engine engine = Engine.open(EngineOptions.DEFAULT.withThreads(2).withMemoryBudget(2 * needed - 1))) {
            LoadOptions options = LoadOptions.DEFAULT.withEngine(engine);
            try (LanguageModel model = LanguageModel.load(llama, options)) {
                assertThatThrownBy(() -> LanguageModel.load(llama, options))
                        .isInstanceOf(OutOfMemoryException.class)
                        .hasMessageContaining("llama.gguf: this model needs")
                        .hasMessageContaining("of the engine's memory budget");
                assertThat(engine.memoryUsed()).isEqualTo(needed);
                assertThat(model.newSession().generate("abc", OPTIONS).tokens()).isNotEmpty();
            }
            assertThat(engine.memoryUsed()).isZero();
        }
    }
}
