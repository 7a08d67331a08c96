package dev.nibble;

import static dev.nibble.Batching.MARK;
import static dev.nibble.Batching.alone;
import static dev.nibble.Batching.await;
import static dev.nibble.Batching.has;
import static dev.nibble.Batching.sampled;
import static dev.nibble.Batching.sequences;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sessions of one model that generate at the same time are evaluated together, and none of them notices. */
@Timeout(120)
class BatchingTest {
    private static final GenerationOptions GREEDY = GenerationOptions.GREEDY;
    private static final int SESSIONS = 8;

    private final FakeModel fake = new FakeModel();

    private static ExecutorService threads(boolean virtual) {
        return virtual ? Executors.newVirtualThreadPerTaskExecutor() : Executors.newCachedThreadPool();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void sessionsThatGenerateAreEvaluatedTogether(boolean virtual) throws Exception {
        fake.pass.duringEvaluation = Batching::pause;
        try (LanguageModel model = fake.open();
                ExecutorService threads = threads(virtual)) {
            List<Future<int[]>> running = new ArrayList<>();
            for (int i = 0; i < SESSIONS; i++) {
                int seed = i;
                running.add(threads.submit(() -> {
                    try (Session session = model.newSession()) {
                        return session.generate("prompt " + seed, sampled(seed, 100))
                                .tokens();
                    }
                }));
            }
            for (int i = 0; i < SESSIONS; i++) {
                assertThat(running.get(i).get()).isEqualTo(alone("prompt " + i, sampled(i, 100)));
            }
            ModelStats stats = model.stats();
            assertThat(stats.meanBatchSize()).isGreaterThan(2);
            assertThat(stats.batches()).isLessThan(SESSIONS * 100 / 2);
            assertThat(stats.sessions()).isZero();
            assertThat(stats.waiting()).isZero();
            assertThat(stats.promptTokens() + stats.generatedTokens()).isEqualTo(fake.pass.evaluatedRows.get());
        }
    }

    /** In batches of eight rows it takes many; the other session goes on beside it. */
    @Test
    void aLongPromptIsReadBetweenTheTokensOfOthers() throws Exception {
        fake.contextLength = 2000;
        List<Boolean> withMark = Collections.synchronizedList(new ArrayList<>());
        fake.pass.duringEvaluation = Batching::pause;
        AtomicBoolean ended = new AtomicBoolean();
        CountDownLatch generating = new CountDownLatch(1);
        fake.pass.onBatch = batch -> {
            if (has(batch, MARK)) {
                withMark.add(sequences(batch) == 2);
            }
        };
        try (LanguageModel model = fake.open();
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<?> running = threads.submit(() -> {
                TokenStream stream = model.newSession().stream("go", sampled(1, 1900));
                while (!ended.get() && stream.hasNext()) {
                    stream.next();
                    generating.countDown();
                }
            });
            await(generating);
            int[] prompt = new int[800];
            Arrays.fill(prompt, MARK);
            model.newSession().evaluate(prompt, false);
            ended.set(true);
            running.get();
        }
        assertThat(withMark).hasSizeGreaterThanOrEqualTo(100);
        assertThat(withMark.stream().filter(both -> both).count())
                .as("batches of the prompt that had a row of the other session")
                .isGreaterThan(withMark.size() / 4);
    }

    @Test
    void shortPromptsAreNotKeptWaitingByALongOne() throws Exception {
        fake.contextLength = 10_000;
        fake.pass.duringEvaluation = Batching::pause;
        CountDownLatch reading = new CountDownLatch(3);
        fake.pass.onBatch = batch -> reading.countDown();
        try (LanguageModel model = fake.open();
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Session longer = model.newSession();
            Future<float[]> read = threads.submit(() -> longer.evaluate(new int[9000], false));
            await(reading);
            for (int i = 0; i < 3; i++) {
                assertThat(model.newSession()
                                .generate("a short one", GREEDY.withMaxTokens(3))
                                .tokens())
                        .isEqualTo(alone("a short one", GREEDY.withMaxTokens(3)));
            }
            assertThat(read).isNotDone();
            longer.cancel();
            assertThatThrownBy(read::get).hasCauseInstanceOf(CancellationException.class);
        }
    }

    @Test
    void sessionsProgressAlike() throws Exception {
        fake.contextLength = 5000;
        fake.pass.duringEvaluation = Batching::pause;
        AtomicIntegerArray tokens = new AtomicIntegerArray(SESSIONS);
        AtomicBoolean ended = new AtomicBoolean();
        try (LanguageModel model = fake.open();
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Callable<Object>> tasks = new ArrayList<>();
            for (int i = 0; i < SESSIONS; i++) {
                int number = i;
                tasks.add(() -> {
                    TokenStream stream = model.newSession().stream("abc", sampled(number, 4900));
                    while (!ended.get()) {
                        stream.next();
                        if (tokens.incrementAndGet(number) == 300) {
                            ended.set(true);
                        }
                    }
                    return null;
                });
            }
            for (Future<Object> each : threads.invokeAll(tasks)) {
                each.get();
            }
        }
        for (int i = 0; i < SESSIONS; i++) {
            assertThat(tokens.get(i)).isGreaterThan(150);
        }
    }

    /** One asks for tokens that the backend chooses, the other for scores: they cannot be in one batch. */
    @Test
    void sessionsThatWantDifferentThingsTakeTurns() throws Exception {
        fake.pass.canChoose = true;
        fake.pass.duringEvaluation = Batching::pause;
        try (LanguageModel model = fake.open();
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<int[]>> running = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                GenerationOptions options = i % 2 == 0 ? sampled(i, 40) : GREEDY.withMaxTokens(40);
                running.add(threads.submit(
                        () -> model.newSession().generate("a prompt", options).tokens()));
            }
            for (int i = 0; i < 6; i++) {
                GenerationOptions options = i % 2 == 0 ? sampled(i, 40) : GREEDY.withMaxTokens(40);
                assertThat(running.get(i).get()).isEqualTo(alone("a prompt", options));
            }
        }
    }

    @Test
    void scoresOfAllTokensAreTheSameBesideOthers() throws Exception {
        fake.pass.duringEvaluation = Batching::pause;
        int[] tokens = "some tokens in more than one batch".chars().toArray();
        float[] expected;
        try (LanguageModel model = new FakeModel().open()) {
            expected = model.newSession().evaluate(tokens, true);
        }
        try (LanguageModel model = fake.open();
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<float[]>> running = new ArrayList<>();
            List<Future<int[]>> besides = new ArrayList<>();
            for (int i = 0; i < SESSIONS; i++) {
                running.add(threads.submit(() -> model.newSession().evaluate(tokens, true)));
                besides.add(threads.submit(
                        () -> model.newSession().generate("abc", sampled(1, 30)).tokens()));
            }
            for (Future<float[]> each : running) {
                assertThat(each.get()).isEqualTo(expected);
            }
            for (Future<int[]> each : besides) {
                assertThat(each.get()).isEqualTo(alone("abc", sampled(1, 30)));
            }
        }
    }

    @Test
    void whatIsCalledByAnEvaluationCannotEvaluate() {
        try (LanguageModel model = fake.open();
                Session session = model.newSession();
                Session other = model.newSession()) {
            AtomicBoolean once = new AtomicBoolean(true);
            fake.pass.duringEvaluation = () -> {
                if (once.getAndSet(false)) {
                    assertThatThrownBy(() -> other.generate("x", GREEDY))
                            .isInstanceOf(IllegalStateException.class)
                            .hasMessageContaining("while it evaluates");
                }
            };
            assertThat(session.generate("abc", sampled(1, 20)).tokens()).isEqualTo(alone("abc", sampled(1, 20)));
            assertThat(once).isFalse();
        }
    }

    /** Choosing a token is not part of the evaluation: there, other sessions can be used. */
    @Test
    void aCallbackThatChoosesMayUseAnotherSession() {
        try (LanguageModel model = fake.open();
                Session session = model.newSession();
                Session other = model.newSession()) {
            GenerationOptions nested = GREEDY.withMaxTokens(5)
                    .withLogitsProcessors(
                            List.of((logits, tokens, count) -> other.generate("x", GREEDY.withMaxTokens(1))));
            assertThat(session.generate("abc", nested).tokens()).isEqualTo(alone("abc", GREEDY.withMaxTokens(5)));
        }
    }

    @Test
    void thousandsOfThreadsAreServed() throws Exception {
        int count = 1000;
        try (LanguageModel model = fake.open();
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            int[] expected = alone("abc", GREEDY.withMaxTokens(4));
            List<Future<int[]>> running = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                running.add(threads.submit(() -> {
                    try (Session session = model.newSession()) {
                        return session.generate("abc", GREEDY.withMaxTokens(4)).tokens();
                    }
                }));
            }
            for (Future<int[]> each : running) {
                assertThat(each.get()).isEqualTo(expected);
            }
            assertThat(model.stats().sessions()).isZero();
        }
    }
}
