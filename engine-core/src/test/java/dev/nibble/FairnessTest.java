package dev.nibble;

import static dev.nibble.Batching.MARK;
import static dev.nibble.Batching.await;
import static dev.nibble.Batching.has;
import static dev.nibble.Batching.sampled;
import static dev.nibble.Batching.sequences;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.nibble.spi.Batch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How sessions share a model, counted in tokens and batches. */
@Timeout(120)
class FairnessTest {
    private static final int TOKENS = 200;
    private static final int RUNS = 4;

    private final FakeModel fake = new FakeModel();

    /** Runs sessions that generate until one has {@link #TOKENS}, counted from when all generate. */
    private List<Integer> generate(int sessions) throws Exception {
        AtomicIntegerArray tokens = new AtomicIntegerArray(sessions);
        CountDownLatch generating = new CountDownLatch(sessions);
        AtomicBoolean ended = new AtomicBoolean();
        fake.contextLength = 100_000;
        fake.pass.duringEvaluation = Batching::pause;
        List<Integer> counts = new ArrayList<>();
        try (LanguageModel model = fake.open();
                ExecutorService threads = Executors.newCachedThreadPool()) {
            List<Future<?>> running = new ArrayList<>();
            for (int i = 0; i < sessions; i++) {
                int number = i;
                running.add(threads.submit(() -> {
                    TokenStream stream = model.newSession().stream("abc", sampled(number, 90_000));
                    stream.next();
                    generating.countDown();
                    while (!ended.get()) {
                        stream.next();
                        if (generating.getCount() == 0 && tokens.incrementAndGet(number) == TOKENS) {
                            ended.set(true);
                        }
                    }
                }));
            }
            try {
                await(generating);
            } catch (AssertionError e) {
                ended.set(true);
                throw e;
            }
            for (Future<?> each : running) {
                each.get();
            }
            for (int i = 0; i < sessions; i++) {
                counts.add(tokens.get(i));
            }
        }
        return counts;
    }

    /**
     * The last of them may be counted from a token later on, or miss the one that is evaluated at the end. A thread that the
     * system lets wait falls behind through no fault of its turn, but not in each of several runs.
     */
    @ParameterizedTest
    @ValueSource(ints = {2, 8, 32})
    void sessionsGetAlmostAsManyTokens(int sessions) throws Exception {
        List<List<Integer>> runs = new ArrayList<>();
        for (int i = 0; i < RUNS; i++) {
            runs.add(generate(sessions));
            if (runs.getLast().stream().allMatch(tokens -> tokens * 1.1 >= TOKENS - 2)) {
                return;
            }
        }
        fail("tokens of each session, by run: " + runs);
    }

    /** Counts batches from the one that runs while another session gets in line. */
    private static final class Arrival implements Consumer<Batch> {
        final List<Integer> marked = new ArrayList<>();
        private final Runnable arrive;
        private final LanguageModel model;
        private final int sessions;
        private boolean arrived;

        /**
         * @param arrive has sessions get in line, in threads of their own
         * @param sessions how many there are then, all of which evaluate
         */
        Arrival(LanguageModel model, int sessions, Runnable arrive) {
            this.model = model;
            this.sessions = sessions;
            this.arrive = arrive;
        }

        @Override
        public void accept(Batch batch) {
            if (arrived) {
                marked.add(has(batch, MARK) ? rows(batch, MARK) : 0);
                return;
            }
            arrived = true;
            arrive.run();
            int waiting = sessions - sequences(batch); // all that are not in this batch
            long end = System.nanoTime() + 60_000_000_000L;
            while (model.stats().waiting() < waiting && System.nanoTime() < end) {
                Thread.onSpinWait();
            }
            assertThat(model.stats().waiting()).isGreaterThanOrEqualTo(waiting);
        }
    }

    private static int rows(Batch batch, int token) {
        int count = 0;
        for (int row = 0; row < batch.size(); row++) {
            count += batch.token(row) == token ? 1 : 0;
        }
        return count;
    }

    @Test
    void aShortRequestAmongManyThatRunBeginsAtOnce() throws Exception {
        int sessions = 8;
        fake.contextLength = 100_000;
        fake.pass.maxBatchRows = 32;
        fake.pass.duringEvaluation = Batching::pause;
        AtomicBoolean ended = new AtomicBoolean();
        CountDownLatch generating = new CountDownLatch(sessions);
        try (LanguageModel model = fake.open();
                ExecutorService threads = Executors.newCachedThreadPool()) {
            List<Future<?>> running = new ArrayList<>();
            for (int i = 0; i < sessions; i++) {
                int number = i;
                running.add(threads.submit(() -> {
                    TokenStream stream = model.newSession().stream("abc", sampled(number, 90_000));
                    while (!ended.get()) {
                        stream.next();
                        generating.countDown();
                    }
                }));
            }
            int[] prompt = new int[10];
            Arrays.fill(prompt, MARK);
            CompletableFuture<float[]> evaluated = new CompletableFuture<>();
            Session other = model.newSession();
            Arrival arrival = new Arrival(
                    model, sessions + 1, () -> evaluated.completeAsync(() -> other.evaluate(prompt, false), threads));
            try {
                await(generating);
                fake.pass.onBatch = arrival;
                evaluated.get(60, TimeUnit.SECONDS);
            } finally {
                ended.set(true);
            }
            for (Future<?> each : running) {
                each.get();
            }
            List<Integer> first = arrival.marked.subList(0, Math.min(3, arrival.marked.size()));
            assertThat(first.stream().mapToInt(rows -> rows).sum())
                    .as("rows of the prompt in the next batches: " + first)
                    .isEqualTo(prompt.length);
        }
    }

    @Test
    void aSessionOfHigherPriorityIsReadFaster() throws Exception {
        fake.contextLength = 10_000;
        fake.pass.duringEvaluation = Batching::pause;
        AtomicInteger finished = new AtomicInteger();
        try (LanguageModel model = fake.open();
                ExecutorService threads = Executors.newCachedThreadPool()) {
            List<Future<Integer>> ends = new ArrayList<>();
            List<Session> sessions = new ArrayList<>();
            for (Priority priority : Priority.values()) {
                sessions.add(model.newSession(SessionOptions.DEFAULT.withPriority(priority)));
            }
            int[] prompt = new int[400];
            fake.pass.onBatch = new Arrival(
                    model,
                    4,
                    () -> sessions.forEach(session -> ends.add(threads.submit(() -> {
                        session.evaluate(prompt, false);
                        return finished.incrementAndGet();
                    }))));
            model.newSession().evaluate(new int[] {1}, false);
            List<Integer> order = new ArrayList<>();
            for (Future<Integer> end : ends) {
                order.add(end.get());
            }
            assertThat(order).as("low, normal, high").containsExactly(3, 2, 1);
            assertThat(sessions.getFirst().length()).isEqualTo(400);
        }
    }
}
