package dev.nibble;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.spi.Batch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Sessions of one model that generate at the same time are evaluated together, and none of them notices. */
@Timeout(120)
class BatchingTest {
    private static final GenerationOptions GREEDY = GenerationOptions.GREEDY;
    private static final int SESSIONS = 8;

    /** A token that only prompts have: it is never generated here. */
    private static final int MARK = ByteTokenizer.EOS;

    private final FakeModel fake = new FakeModel();

    private static GenerationOptions sampled(long seed, int tokens) {
        return GenerationOptions.DEFAULT
                .withTemperature(1)
                .withSeed(seed)
                .withMaxTokens(tokens)
                .withIgnoreEndOfGeneration(true);
    }

    /** As long as evaluating takes where weights are read, so that others come meanwhile. */
    private static void pause() {
        try {
            Thread.sleep(2);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static ExecutorService threads(boolean virtual) {
        return virtual ? Executors.newVirtualThreadPerTaskExecutor() : Executors.newCachedThreadPool();
    }

    private static void await(CountDownLatch latch) {
        boolean interrupted = false;
        while (true) {
            try {
                assertThat(latch.await(60, TimeUnit.SECONDS)).isTrue();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private static int[] alone(String prompt, GenerationOptions options) {
        try (LanguageModel model = new FakeModel().open();
                Session session = model.newSession()) {
            return session.generate(prompt, options).tokens();
        }
    }

    private static int sequences(Batch batch) {
        Set<Object> sequences = new HashSet<>();
        for (int row = 0; row < batch.size(); row++) {
            sequences.add(batch.sequence(row));
        }
        return sequences.size();
    }

    private static boolean has(Batch batch, int token) {
        for (int row = 0; row < batch.size(); row++) {
            if (batch.token(row) == token) {
                return true;
            }
        }
        return false;
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void sessionsThatGenerateAreEvaluatedTogether(boolean virtual) throws Exception {
        fake.pass.duringEvaluation = BatchingTest::pause;
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

    /** However sessions come, end and are given up, what is generated to the end is what it would be alone. */
    @Test
    void sessionsThatAreGivenUpDoNotDisturbOthers() throws Exception {
        fake.contextLength = 400;
        int rounds = 200;
        try (LanguageModel model = fake.open();
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            SplittableRandom random = new SplittableRandom(3);
            List<Future<?>> running = new ArrayList<>();
            AtomicIntegerArray endings = new AtomicIntegerArray(FinishReason.values().length);
            for (int i = 0; i < rounds; i++) {
                int seed = i;
                String prompt = "x".repeat(random.nextInt(1, 60)) + i;
                GenerationOptions options = sampled(seed, random.nextInt(1, 60));
                int giveUp = random.nextInt(6);
                int at = random.nextInt(1, 20);
                running.add(threads.submit(() -> {
                    try (Session session = model.newSession()) {
                        TokenStream stream = session.stream(prompt, options);
                        List<Integer> tokens = new ArrayList<>();
                        while (stream.hasNext()) {
                            tokens.add(stream.next().id());
                            if (tokens.size() == at) {
                                giveUp(giveUp, session, stream);
                            }
                        }
                        Thread.interrupted();
                        int[] alone = alone(prompt, options);
                        FinishReason reason = stream.result().finishReason();
                        endings.incrementAndGet(reason.ordinal());
                        assertThat(tokens)
                                .isEqualTo(Arrays.stream(alone)
                                        .boxed()
                                        .limit(tokens.size())
                                        .toList());
                        if (reason == FinishReason.MAX_TOKENS) {
                            assertThat(tokens).hasSize(alone.length);
                        } else {
                            assertThat(reason).isEqualTo(FinishReason.CANCELLED);
                        }
                    }
                    return null;
                }));
            }
            for (Future<?> each : running) {
                each.get();
            }
            assertThat(endings.get(FinishReason.CANCELLED.ordinal())).isPositive();
            assertThat(endings.get(FinishReason.MAX_TOKENS.ordinal())).isPositive();
            assertThat(model.stats().sessions()).isZero();
            assertThat(fake.pass.openSequences).hasValue(0);
        }
    }

    private static void giveUp(int how, Session session, TokenStream stream) {
        switch (how) {
            case 0 -> stream.cancel();
            case 1 -> Thread.currentThread().interrupt();
            case 2 -> session.close();
            case 3 -> Thread.startVirtualThread(session::cancel);
            default -> {}
        }
    }

    /** The others are in the batch that fails. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whatFailsIsThrownWhereItBelongs(boolean error) throws Exception {
        fake.pass.duringEvaluation = BatchingTest::pause;
        AtomicReference<Thread> thrower = new AtomicReference<>();
        AtomicBoolean together = new AtomicBoolean();
        fake.pass.onBatch = batch -> {
            if (has(batch, MARK)) {
                together.compareAndSet(false, sequences(batch) > 1);
                thrower.set(Thread.currentThread());
                if (error) {
                    throw new StackOverflowError("injected");
                }
                throw new ArithmeticException("injected");
            }
        };
        try (LanguageModel model = fake.open();
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            AtomicBoolean done = new AtomicBoolean();
            List<Future<int[]>> others = new ArrayList<>();
            for (int i = 0; i < SESSIONS; i++) {
                int seed = i;
                others.add(threads.submit(() ->
                        model.newSession().generate("abc", sampled(seed, 150)).tokens()));
            }
            Future<?> failing = threads.submit(() -> {
                try (Session session = model.newSession()) {
                    while (!done.get() && !together.get()) {
                        assertThatThrownBy(() -> session.stream(new int[] {'a', MARK}, GREEDY)
                                        .result())
                                .isInstanceOf(error ? StackOverflowError.class : ArithmeticException.class)
                                .hasMessage("injected");
                        assertThat(thrower).hasValue(Thread.currentThread());
                        session.reset();
                    }
                }
            });
            for (int i = 0; i < SESSIONS; i++) {
                assertThat(others.get(i).get()).isEqualTo(alone("abc", sampled(i, 150)));
            }
            done.set(true);
            failing.get();
            assertThat(together).as("a batch of several failed").isTrue();
        }
    }

    /** How a session is given up that has not had its turn. */
    private enum GivingUp {
        CANCEL,
        CLOSE,
        INTERRUPT
    }

    @ParameterizedTest
    @EnumSource
    void aSessionThatWaitsIsGivenUpWhileAnotherIsEvaluated(GivingUp how) throws Exception {
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch leave = new CountDownLatch(1);
        fake.pass.duringEvaluation = () -> {
            inside.countDown();
            await(leave);
        };
        try (LanguageModel model = fake.open();
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<Generation> first =
                    threads.submit(() -> model.newSession().generate("abc", GREEDY.withMaxTokens(3)));
            await(inside);
            Session session = model.newSession();
            AtomicReference<Thread> waiting = new AtomicReference<>();
            Future<Boolean> second = threads.submit(() -> {
                waiting.set(Thread.currentThread());
                assertThat(session.generate("def", GREEDY).finishReason()).isEqualTo(FinishReason.CANCELLED);
                return Thread.interrupted();
            });
            while (model.stats().waiting() == 0) {
                Thread.sleep(1);
            }
            switch (how) {
                case CANCEL -> session.cancel();
                case CLOSE -> session.close();
                case INTERRUPT -> waiting.get().interrupt();
            }
            assertThat(second.get(30, TimeUnit.SECONDS)).isEqualTo(how == GivingUp.INTERRUPT);
            assertThat(first).isNotDone();
            assertThat(model.stats().waiting()).isZero();
            leave.countDown();
            assertThat(first.get().tokens()).hasSize(3);
        }
    }

    /** More than a batch holds, so that some wait while others are evaluated. */
    @Test
    void closingTheModelEndsThoseThatWaitToo() throws Exception {
        fake.contextLength = Integer.MAX_VALUE / 2;
        fake.pass.bytesPerToken = 0;
        fake.pass.duringEvaluation = BatchingTest::pause;
        CountDownLatch running = new CountDownLatch(100);
        fake.pass.onBatch = batch -> running.countDown();
        LanguageModel model = fake.open();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<FinishReason>> reasons = new ArrayList<>();
            for (int i = 0; i < 5 * FakeForwardPass.MAX_BATCH_ROWS; i++) {
                Session session = model.newSession();
                reasons.add(threads.submit(() -> session.generate("abc", GREEDY.withIgnoreEndOfGeneration(true))
                        .finishReason()));
            }
            await(running);
            model.close();
            for (Future<FinishReason> reason : reasons) {
                assertThat(reason.get(30, TimeUnit.SECONDS)).isEqualTo(FinishReason.CANCELLED);
            }
        }
        assertThat(fake.closings).containsExactly("pass", "backend", "source");
        assertThat(fake.pass.openSequences).hasValue(0);
    }

    @Test
    void aBatchEndsEarlyOnlyWhenAllGaveItUp() throws Exception {
        CountDownLatch together = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        AtomicBoolean armed = new AtomicBoolean(true);
        fake.pass.duringEvaluation = BatchingTest::pause;
        fake.pass.onBatch = batch -> {
            if (sequences(batch) == 2 && armed.getAndSet(false)) {
                together.countDown();
                await(goOn);
            }
        };
        try (LanguageModel model = fake.open();
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Session given = model.newSession();
            Session kept = model.newSession();
            Future<Generation> first = threads.submit(() -> given.generate("abc", sampled(1, 190)));
            Future<Generation> second = threads.submit(() -> kept.generate("abc", sampled(2, 190)));
            await(together);
            given.cancel();
            goOn.countDown();
            assertThat(first.get().finishReason()).isEqualTo(FinishReason.CANCELLED);
            assertThat(second.get().tokens()).isEqualTo(alone("abc", sampled(2, 190)));

            int[] sofar = first.get().tokens();
            assertThat(alone("abc", sampled(1, 190))).startsWith(sofar);
        }
    }

    /** In batches of eight rows it takes many; the other session goes on beside it. */
    @Test
    void aLongPromptIsReadBetweenTheTokensOfOthers() throws Exception {
        fake.contextLength = 2000;
        List<Boolean> withMark = Collections.synchronizedList(new ArrayList<>());
        fake.pass.duringEvaluation = BatchingTest::pause;
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
        fake.pass.duringEvaluation = BatchingTest::pause;
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
        fake.pass.duringEvaluation = BatchingTest::pause;
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
        fake.pass.duringEvaluation = BatchingTest::pause;
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
        fake.pass.duringEvaluation = BatchingTest::pause;
        int[] tokens = "some tokens in more than one batch".chars().toArray();
        float[] expected;
        try (LanguageModel model = new FakeModel().open()) {
            expected = model.newSession().evaluate(tokens, true);
        }
        try (LanguageModel model = fake.open();
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<float[]>> running = new ArrayList<>();
            for (int i = 0; i < SESSIONS; i++) {
                running.add(threads.submit(() -> model.newSession().evaluate(tokens, true)));
                threads.submit(() -> model.newSession().generate("abc", sampled(1, 30)));
            }
            for (Future<float[]> each : running) {
                assertThat(each.get()).isEqualTo(expected);
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
                        if (ThreadLocalRandom.current().nextInt(4) == 0) {
                            Thread.yield();
                        }
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
