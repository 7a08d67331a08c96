package dev.nibble.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.GenerationOptions;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.Session;
import dev.nibble.cpu.pool.WorkerPool;
import dev.nibble.testdata.TinyModels;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How many threads a model has, and what they do when nothing is generated. */
@Timeout(60)
class ThreadsTest {
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
    private static final Duration IDLE = Duration.ofMillis(500);

    /** Of the time that a worker idles: what waking up once may cost on a busy machine, and far from a whole core. */
    private static final double LARGEST_IDLE_SHARE = 0.1;

    @TempDir
    private static Path folder;

    private static Path model;

    @BeforeAll
    static void writeModel() throws IOException {
        model = folder.resolve("tiny.gguf");
        TinyModels.write("llama", 1, model);
    }

    private static Set<Thread> workers() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("nibble-worker"))
                .collect(Collectors.toSet());
    }

    @Test
    void aModelHasTheDefaultThreadsIfNoneAreAskedFor() throws IOException {
        hasThreads(WorkerPool.defaultThreads(), LoadOptions.DEFAULT);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5})
    void aModelHasAsManyThreadsAsAskedFor(int threads) throws IOException {
        hasThreads(threads, LoadOptions.DEFAULT.withThreads(threads));
    }

    /** The caller is one of the threads. */
    private static void hasThreads(int threads, LoadOptions options) throws IOException {
        Set<Thread> before = workers();
        try (LanguageModel loaded = LanguageModel.load(model, options);
                Session session = loaded.newSession()) {
            session.generate("abc", GenerationOptions.GREEDY.withMaxTokens(5));
            assertThat(workers().stream().filter(thread -> !before.contains(thread)))
                    .hasSize(threads - 1);
            assertThat(loaded.backendDescription()).endsWith(", " + threads + (threads == 1 ? " thread" : " threads"));
        }
    }

    @Test
    void theCommandLineSetsTheNumber() {
        CommandRunner.Result result =
                new CommandRunner(folder).run("inspect", model.toString(), "--backend", "cpu", "-t", "3");
        assertThat(result.out()).containsPattern("runs on +cpu, .*, 3 threads\\R");
    }

    @Test
    void idleWorkersUseNoProcessor() throws Exception {
        Set<Thread> before = workers();
        try (LanguageModel loaded = LanguageModel.load(model, LoadOptions.DEFAULT.withThreads(4));
                Session session = loaded.newSession()) {
            session.generate("abc", GenerationOptions.GREEDY.withMaxTokens(20));
            List<Thread> workers = workers().stream()
                    .filter(thread -> !before.contains(thread))
                    .toList();
            assertThat(workers).hasSize(3);
            for (Thread worker : workers) {
                while (worker.getState() != Thread.State.WAITING) {
                    Thread.sleep(1);
                }
            }
            long used = processorNanos(workers);
            Thread.sleep(IDLE);
            used = processorNanos(workers) - used;
            System.out.printf("3 idle workers used %d microseconds of %d ms%n", used / 1000, IDLE.toMillis());
            assertThat(used).isBetween(0L, (long) (LARGEST_IDLE_SHARE * IDLE.toNanos()));
        }
    }

    private static long processorNanos(List<Thread> threads) {
        return threads.stream()
                .mapToLong(thread -> THREADS.getThreadCpuTime(thread.threadId()))
                .sum();
    }
}
