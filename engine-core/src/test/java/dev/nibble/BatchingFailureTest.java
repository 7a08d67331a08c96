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
import java.util.List;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A session that is cancelled, interrupted, closed or fails does not harm those that are evaluated with it. */
@Timeout(120)
class BatchingFailureTest {
    private static final GenerationOptions GREEDY = GenerationOptions.GREEDY;
    private static final int SESSIONS = 8;

    private final FakeModel fake = new FakeModel();

    /** However sessions come, end and are given up, what is generated to the end is what it would be alone. */
    @Test
    void sessionsThatAreGivenUpDoNotDisturbOthers() throws Exception {
        fake.contextLength = 400;
        int rounds = 200;
        try (LanguageModel model = fake.open();
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            SplittableRandom random = new SplittableRandom(3);
            List<Future<?>> running = new ArrayList<>();
            Queue<FinishReason> endings = new ConcurrentLinkedQueue<>();
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
                        endings.add(reason);
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
            assertThat(endings).contains(FinishReason.CANCELLED, FinishReason.MAX_TOKENS);
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
        fake.pass.duringEvaluation = Batching::pause;
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
    enum GivingUp {
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
        fake.pass.duringEvaluation = Batching::pause;
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
        fake.pass.duringEvaluation = Batching::pause;
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
}
