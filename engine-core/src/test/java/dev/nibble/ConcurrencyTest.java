package dev.nibble;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Cancelling, closing, and several threads. */
@Timeout(60)
class ConcurrencyTest {
    private static final GenerationOptions GREEDY = GenerationOptions.GREEDY;

    @Test
    void cancelTakesEffectWithinAToken() {
        FakeModel fake = new FakeModel();
        try (LanguageModel model = fake.open();
                Session session = model.newSession()) {
            AtomicInteger evaluations = new AtomicInteger();
            fake.pass.duringEvaluation = () -> {
                if (evaluations.incrementAndGet() == 5) {
                    inAnotherThread(session::cancel);
                }
            };
            Generation generation = session.generate("abc", GREEDY);
            assertThat(generation.finishReason()).isEqualTo(FinishReason.CANCELLED);
            assertThat(generation.tokens()).hasSize(4);
            assertThat(evaluations).hasValue(5);

            int[] rest = session.generate("", GREEDY.withMaxTokens(3)).tokens();
            session.reset();
            assertThat(session.generate("abc", GREEDY.withMaxTokens(7)).tokens())
                    .endsWith(rest);
        }
    }

    @Test
    void cancelTakesEffectInsideAPrompt() {
        FakeModel fake = new FakeModel();
        try (LanguageModel model = fake.open();
                Session session = model.newSession()) {
            AtomicInteger evaluations = new AtomicInteger();
            TokenStream stream = session.stream("x".repeat(100), GREEDY);
            fake.pass.duringEvaluation = () -> {
                if (evaluations.incrementAndGet() == 3) {
                    inAnotherThread(stream::cancel);
                }
            };
            assertThat(stream.hasNext()).isFalse();
            assertThat(stream.result().finishReason()).isEqualTo(FinishReason.CANCELLED);
            assertThat(evaluations).hasValue(3);
            assertThat(session.length()).isEqualTo(2 * FakeForwardPass.MAX_BATCH_ROWS);
            assertThat(fake.pass.evaluatedRows).hasValue(2 * FakeForwardPass.MAX_BATCH_ROWS);

            int[] tokens = session.generate("yz", GREEDY.withMaxTokens(3)).tokens();
            Session other = model.newSession();
            assertThat(other.generate("x".repeat(15) + "yz", GREEDY.withMaxTokens(3))
                            .tokens())
                    .isEqualTo(tokens);
        }
    }

    @Test
    void cancelEndsALowLevelEvaluation() {
        FakeModel fake = new FakeModel();
        try (LanguageModel model = fake.open();
                Session session = model.newSession()) {
            AtomicInteger evaluations = new AtomicInteger();
            fake.pass.duringEvaluation = () -> {
                if (evaluations.incrementAndGet() == 2) {
                    inAnotherThread(session::cancel);
                }
            };
            assertThatThrownBy(() -> session.evaluate(new int[50], true)).isInstanceOf(CancellationException.class);
            assertThat(session.length()).isEqualTo(FakeForwardPass.MAX_BATCH_ROWS);
        }
    }

    @Test
    void cancelWithoutAGenerationHasNoEffect() {
        try (LanguageModel model = new FakeModel().open();
                Session session = model.newSession()) {
            session.cancel();
            assertThat(session.generate("abc", GREEDY.withMaxTokens(2)).finishReason())
                    .isEqualTo(FinishReason.MAX_TOKENS);
            session.cancel();
            assertThat(session.generate("abc", GREEDY.withMaxTokens(2)).finishReason())
                    .isEqualTo(FinishReason.MAX_TOKENS);
        }
    }

    @Test
    void aSecondThreadInOneSessionIsAnError() throws Exception {
        FakeModel fake = new FakeModel();
        try (LanguageModel model = fake.open();
                Session session = model.newSession()) {
            CountDownLatch inside = new CountDownLatch(1);
            CountDownLatch leave = new CountDownLatch(1);
            fake.pass.duringEvaluation = () -> {
                inside.countDown();
                await(leave);
            };
            var running = CompletableFuture.supplyAsync(() -> session.generate("abc", GREEDY.withMaxTokens(2)));
            await(inside);
            assertThatThrownBy(() -> session.stream("x", GREEDY))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("in use by another call");
            assertThatThrownBy(session::tokens).isInstanceOf(IllegalStateException.class);
            leave.countDown();
            assertThat(running.get().tokens()).hasSize(2);
        }
    }

    @Test
    void aCallFromWithinACallIsAnError() {
        try (LanguageModel model = new FakeModel().open();
                Session session = model.newSession()) {
            GenerationOptions options =
                    GREEDY.withLogitsProcessors(List.of((logits, tokens, count) -> session.length()));
            assertThatThrownBy(() -> session.generate("abc", options))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("in use by another call");
        }
    }

    @Test
    void twoSessionsInTwoThreadsDoNotDisturbEachOther() throws Exception {
        GenerationOptions options = GenerationOptions.DEFAULT.withSeed(9).withMaxTokens(100);
        try (LanguageModel model = new FakeModel().open();
                var threads = Executors.newFixedThreadPool(2)) {
            int[] first = model.newSession().generate("one", options).tokens();
            int[] second = model.newSession().generate("two", options).tokens();
            for (int round = 0; round < 20; round++) {
                var one = threads.submit(() -> model.newSession().generate("one", options));
                var two = threads.submit(() -> model.newSession().generate("two", options));
                assertThat(one.get().tokens()).isEqualTo(first);
                assertThat(two.get().tokens()).isEqualTo(second);
            }
        }
    }

    @Test
    void aClosedSessionSaysSo() {
        try (LanguageModel model = new FakeModel().open()) {
            Session session = model.newSession();
            TokenStream stream = session.stream("abc", GREEDY);
            stream.next();
            session.close();
            session.close();
            session.cancel();
            assertThat(stream.hasNext()).isFalse();
            assertThat(stream.result().finishReason()).isEqualTo(FinishReason.CANCELLED);
            for (Runnable call : List.<Runnable>of(
                    () -> session.stream("x"),
                    () -> session.evaluate(new int[1], false),
                    session::length,
                    session::reset)) {
                assertThatThrownBy(call::run)
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessage("the session is closed");
            }
            stream.close();
        }
    }

    @Test
    void aClosedModelSaysSo() {
        FakeModel fake = new FakeModel();
        LanguageModel model = fake.open();
        Session session = model.newSession();
        model.close();
        model.close();
        assertThat(fake.closings).containsExactly("pass", "backend", "source");
        for (Runnable call :
                List.<Runnable>of(model::newSession, () -> session.stream("x"), () -> model.memoryPlan())) {
            assertThatThrownBy(call::run)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("the model is closed");
        }
        session.close();
    }

    @Test
    void closingTheModelCancelsWhatRuns() throws Exception {
        FakeModel fake = new FakeModel();
        fake.contextLength = Integer.MAX_VALUE / 2;
        LanguageModel model = fake.open();
        Session session = model.newSession();
        CountDownLatch inside = new CountDownLatch(3);
        fake.pass.duringEvaluation = inside::countDown;
        var running = CompletableFuture.supplyAsync(() -> session.generate("abc", GREEDY));
        await(inside);
        model.close();
        assertThat(running.get().finishReason()).isEqualTo(FinishReason.CANCELLED);
    }

    private static void inAnotherThread(Runnable action) {
        CompletableFuture.runAsync(action).join();
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
