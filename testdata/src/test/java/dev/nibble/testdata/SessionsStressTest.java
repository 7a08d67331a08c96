package dev.nibble.testdata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.nibble.FinishReason;
import dev.nibble.Generation;
import dev.nibble.GenerationOptions;
import dev.nibble.KvBudgetException;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.ModelStats;
import dev.nibble.Session;
import dev.nibble.SessionOptions;
import dev.nibble.TokenStream;
import dev.nibble.tensor.DType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Two hundred virtual threads ask for texts whose prompts begin alike, fork, cancel, interrupt and close sessions, in less memory than all of
 * them want: each text that is finished is that which a session generates alone, and no page is left over. For {@code
 * nibble.stress.seconds}, by default a few.
 */
@Tag("batch-invariance")
@DisabledIf(
        value = "dev.nibble.testdata.ProcessorVectors#areTheUsual",
        disabledReason = "machine code for this processor has vectors of this width without being asked")
@Timeout(900)
class SessionsStressTest {
    private static final int SECONDS = Integer.getInteger("nibble.stress.seconds", 9);
    private static final int THREADS = 200;
    private static final int CONTEXT = 256;
    private static final int FAMILIES = 4;

    @TempDir
    Path folder;

    private final AtomicInteger finished = new AtomicInteger();
    private final AtomicInteger givenUp = new AtomicInteger();
    private final AtomicInteger refused = new AtomicInteger();

    /** A text that is asked for, and what it is. */
    private record Task(int[] prompt, GenerationOptions options, int[] expected) {}

    @ParameterizedTest(name = "{0}")
    @CsvSource({"llama", "gemma3", "qwen35"})
    void everyTextIsTheOneGeneratedAlone(String name) throws Exception {
        Path file = folder.resolve("model.gguf");
        TinyModels.write(name, 1, DType.Q8_0, file);
        LoadOptions options = LoadOptions.DEFAULT.withThreads(2);
        long budget;
        List<Task> tasks;
        try (LanguageModel model = LanguageModel.load(file, options)) {
            assumeTrue(
                    model.backendDescription().contains("machine code"),
                    "no machine code here: " + model.backendDescription());
            budget = THREADS / 2 * model.memoryPlan(CONTEXT).kvCache();
            tasks = tasks(model);
        }
        try (LanguageModel model = LanguageModel.load(file, options.withKvCacheBudget(budget));
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS) / 3;
            List<Future<?>> running = new ArrayList<>();
            for (int i = 0; i < THREADS; i++) {
                SplittableRandom random = new SplittableRandom(i);
                running.add(threads.submit(() -> {
                    do {
                        one(model, tasks, random);
                    } while (System.nanoTime() < end);
                    return null;
                }));
            }
            for (Future<?> each : running) {
                each.get();
            }
            ModelStats stats = model.stats();
            assertThat(finished.get()).as("texts finished").isPositive();
            assertThat(stats.sessions()).isZero();
            assertThat(stats.waiting()).isZero();
            assertThat(stats.kvBytes())
                    .as("bytes that the cache does not hold")
                    .isEqualTo(stats.kvCachedBytes())
                    .isLessThanOrEqualTo(budget);
            assertThat(stats.prefixHits()).isPositive();
            System.out.println(name + ": " + finished + " texts finished, " + givenUp + " given up, " + refused
                    + " refused; " + stats);
        }
    }

    private static List<Task> tasks(LanguageModel model) {
        SplittableRandom random = new SplittableRandom(5);
        List<Task> tasks = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            int[] family = new Random(i % FAMILIES).ints(120, 1, 250).toArray();
            int[] prompt = Arrays.copyOf(family, 60 + random.nextInt(60) + random.nextInt(40));
            for (int at = Math.min(120, 20 + random.nextInt(100)); at < prompt.length; at++) {
                prompt[at] = random.nextInt(1, 250);
            }
            GenerationOptions options = GenerationOptions.DEFAULT
                    .withTemperature(1)
                    .withSeed(i)
                    .withIgnoreEndOfGeneration(true)
                    .withMaxTokens(random.nextInt(1, 30));
            try (Session session = model.newSession(SessionOptions.DEFAULT.withPrivate(true))) {
                tasks.add(new Task(
                        prompt,
                        options,
                        session.stream(prompt, options).result().tokens()));
            }
        }
        return tasks;
    }

    private void one(LanguageModel model, List<Task> tasks, SplittableRandom random) {
        Task task = tasks.get(random.nextInt(tasks.size()));
        boolean isPrivate = random.nextInt(8) == 0;
        try (Session session = model.newSession(SessionOptions.DEFAULT.withPrivate(isPrivate))) {
            switch (random.nextInt(4)) {
                case 0 -> inFork(session, task, random);
                case 1 -> {
                    inSession(session, 0, task, random);
                    if (!Thread.interrupted() && session.contextLength() > 0 && isOpen(session)) {
                        session.truncate(random.nextInt(session.length() + 1));
                        again(session, tasks.get(random.nextInt(tasks.size())), random);
                    }
                }
                default -> inSession(session, 0, task, random);
            }
        } catch (KvBudgetException e) {
            refused.incrementAndGet();
        } finally {
            Thread.interrupted();
        }
    }

    private static boolean isOpen(Session session) {
        try {
            return session.length() >= 0;
        } catch (IllegalStateException e) {
            return false;
        }
    }

    /** Another text in a session that held one, as far as they agree. */
    private void again(Session session, Task task, SplittableRandom random) {
        int[] tokens = session.tokens();
        int mismatch = Arrays.mismatch(tokens, task.prompt());
        int kept = mismatch < 0 ? tokens.length : Math.min(mismatch, task.prompt().length);
        session.truncate(Math.min(kept, task.prompt().length - 1));
        inSession(session, session.length(), task, random);
    }

    /** The first part of the prompt in a session, the rest in a fork while another fork goes its own way. */
    private void inFork(Session session, Task task, SplittableRandom random) {
        int at = random.nextInt(1, task.prompt().length);
        session.evaluate(Arrays.copyOf(task.prompt(), at), false);
        int earlier = random.nextInt(at + 1);
        try (Session fork = session.fork();
                Session other = session.fork(earlier)) {
            if (random.nextBoolean()) {
                session.close();
            }
            other.stream(new int[] {random.nextInt(1, 250)}, task.options()).next();
            inSession(fork, at, task, random);
        }
    }

    private void inSession(Session session, int from, Task task, SplittableRandom random) {
        int[] rest = Arrays.copyOfRange(task.prompt(), from, task.prompt().length);
        int how = random.nextInt(12);
        int at = random.nextInt(1, 20);
        TokenStream stream = session.stream(rest, task.options());
        for (int count = 1; stream.hasNext(); count++) {
            stream.next();
            if (count == at) {
                switch (how) {
                    case 0 -> stream.cancel();
                    case 1 -> Thread.currentThread().interrupt();
                    case 2 -> session.close();
                    case 3 -> session.cancel();
                    default -> {}
                }
            }
        }
        Thread.interrupted();
        Generation generation = stream.result();
        if (generation.finishReason() == FinishReason.CANCELLED) {
            assertThat(how).isLessThan(4);
            assertThat(task.expected()).startsWith(generation.tokens());
            givenUp.incrementAndGet();
        } else {
            assertThat(generation.tokens()).isEqualTo(task.expected());
            finished.incrementAndGet();
        }
    }
}
