package dev.nibble;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.sampling.LogitsProcessor;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Closing a model or a session from anywhere, at any time: everything is freed once, and what runs ends as cancelled. */
@Timeout(60)
class ClosingTest {
    private static final GenerationOptions GREEDY = GenerationOptions.GREEDY;

    /** What fails to close, if anything. */
    enum Failing {
        NOTHING,
        PASS,
        BACKEND,
        SOURCE
    }

    private final FakeModel fake = new FakeModel();

    private static GenerationOptions calling(Runnable action) {
        LogitsProcessor processor = (logits, tokens, count) -> action.run();
        return GREEDY.withLogitsProcessors(List.of(processor));
    }

    private void assertAllFreedOnce() {
        assertThat(fake.closings).containsExactly("pass", "backend", "source");
        assertThat(fake.pass.openSequences).hasValue(0);
    }

    private void assertNothingFreed() {
        assertThat(fake.closings).isEmpty();
    }

    @Test
    void closingTheModelFromACallbackIsFinishedWhenTheCallEnds() {
        LanguageModel model = fake.open();
        Session other = model.newSession();
        Session session = model.newSession();
        TokenStream unread = other.stream("other", GREEDY);
        Generation generation = session.generate("abc", calling(() -> {
            model.close();
            model.close();
            session.close();
            assertNothingFreed();
            assertThatThrownBy(model::newSession).hasMessage("the model is closed");
        }));
        assertThat(generation.finishReason()).isEqualTo(FinishReason.CANCELLED);
        assertThat(generation.tokens()).hasSize(1); // the one that was being chosen
        assertAllFreedOnce();
        assertThat(unread.hasNext()).isFalse();
        assertThat(unread.result().finishReason()).isEqualTo(FinishReason.CANCELLED);
        model.close();
        session.close();
        assertAllFreedOnce();
        assertThatThrownBy(() -> session.stream("x")).hasMessage("the session is closed");
        assertThatThrownBy(() -> other.stream("x")).hasMessage("the model is closed");
    }

    @Test
    void closingTheModelFromTheBackendIsFinishedWhenTheCallEnds() {
        LanguageModel model = fake.open();
        Session session = model.newSession();
        fake.pass.duringEvaluation = model::close;
        assertThatThrownBy(() -> session.evaluate(new int[100], false)).isInstanceOf(CancellationException.class);
        assertAllFreedOnce();
    }

    @Test
    void closingFromACallbackThatThenFailsFreesAll() {
        LanguageModel model = fake.open();
        Session session = model.newSession();
        assertThatThrownBy(() -> session.generate("abc", calling(() -> {
                    model.close();
                    throw new UnsupportedOperationException("its own");
                })))
                .hasMessage("its own");
        assertAllFreedOnce();
    }

    @Test
    void closingASessionFromItsOwnCallIsFinishedWhenTheCallEnds() {
        try (LanguageModel model = fake.open()) {
            Session session = model.newSession();
            Generation generation = session.generate("abc", calling(() -> {
                session.close();
                assertThat(fake.pass.openSequences).hasValue(1);
            }));
            assertThat(generation.finishReason()).isEqualTo(FinishReason.CANCELLED);
            assertThat(fake.pass.openSequences).hasValue(0);
            assertThatThrownBy(session::length).hasMessage("the session is closed");
            assertThat(model.newSession()
                            .generate("abc", GREEDY.withMaxTokens(2))
                            .tokens())
                    .hasSize(2);
        }
        assertAllFreedOnce();
    }

    @Test
    void aStreamClosedFromItsOwnCallbackEnds() {
        try (LanguageModel model = fake.open();
                Session session = model.newSession()) {
            List<TokenStream> streams = new ArrayList<>();
            streams.add(session.stream("abc", calling(() -> streams.getFirst().close())));
            assertThat(streams.getFirst().result().finishReason()).isEqualTo(FinishReason.CANCELLED);
            assertThat(session.generate("abc", GREEDY.withMaxTokens(2)).tokens())
                    .hasSize(2);
        }
    }

    /** Each callback closes while the other's call runs: neither can wait for the other. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void twoCallbacksThatCloseAtOnceDoNotWaitForEachOther(boolean closeModel) throws Exception {
        LanguageModel model = fake.open();
        List<Session> sessions = List.of(model.newSession(), model.newSession());
        CyclicBarrier bothInside = new CyclicBarrier(2);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Generation>> running = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                Session mine = sessions.get(i);
                Session others = sessions.get(1 - i);
                running.add(threads.submit(() -> mine.generate("abc", calling(() -> {
                    await(bothInside);
                    if (closeModel) {
                        model.close();
                    } else {
                        others.close();
                    }
                    await(bothInside);
                }))));
            }
            for (Future<Generation> each : running) {
                assertThat(each.get().finishReason()).isEqualTo(FinishReason.CANCELLED);
            }
        }
        assertThat(fake.pass.openSequences).hasValue(0);
        model.close();
        assertAllFreedOnce();
    }

    /** A callback that waits for another thread, which closes what the callback's call uses. */
    @ParameterizedTest
    @CsvSource({"true, true", "true, false", "false, true", "false, false"})
    void aCallbackMayWaitForAThreadThatCloses(boolean closeModel, boolean isProcessor) throws Exception {
        LanguageModel model = fake.open();
        Session session = model.newSession();
        AtomicInteger calls = new AtomicInteger();
        Runnable closes = () -> {
            calls.incrementAndGet();
            closeElsewhere(closeModel ? model : session);
            assertThat(fake.pass.openSequences)
                    .as("open while the callback runs")
                    .hasValue(1);
            assertNothingFreed();
        };
        Generation generation = session.generate(
                "abc", isProcessor ? calling(closes) : GREEDY.withPromptProgress((evaluated, total) -> closes.run()));
        assertThat(generation.finishReason()).isEqualTo(FinishReason.CANCELLED);
        assertThat(calls).as("callbacks").hasValue(1);
        assertThat(fake.pass.openSequences).hasValue(0);
        assertThatThrownBy(() -> session.generate("abc", GREEDY)).isInstanceOf(IllegalStateException.class);
        model.close();
        assertAllFreedOnce();
    }

    /** Only what a callback holds up is left to it: who closes still waits for the calls that can end without it. */
    @Test
    void closingWaitsForTheCallsThatAreInNoCallback() throws Exception {
        LanguageModel model = fake.open();
        Session held = model.newSession();
        Session evaluates = model.newSession();
        CountDownLatch inCallback = new CountDownLatch(1);
        CountDownLatch leaveCallback = new CountDownLatch(1);
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch leave = new CountDownLatch(1);
        var first = CompletableFuture.supplyAsync(
                () -> held.generate("abc", calling(() -> {
                    inCallback.countDown();
                    await(leaveCallback);
                })),
                Thread::startVirtualThread);
        await(inCallback);
        fake.pass.duringEvaluation = () -> {
            inside.countDown();
            await(leave);
        };
        var second = CompletableFuture.supplyAsync(() -> evaluates.generate("abc", GREEDY), Thread::startVirtualThread);
        await(inside);
        var closing = CompletableFuture.runAsync(model::close, Thread::startVirtualThread);
        assertThatThrownBy(() -> closing.get(50, TimeUnit.MILLISECONDS))
                .isInstanceOf(java.util.concurrent.TimeoutException.class);
        leave.countDown();
        closing.get(20, TimeUnit.SECONDS);
        assertThat(second.get(20, TimeUnit.SECONDS).finishReason()).isEqualTo(FinishReason.CANCELLED);
        assertNothingFreed();
        leaveCallback.countDown();
        assertThat(first.get(20, TimeUnit.SECONDS).finishReason()).isEqualTo(FinishReason.CANCELLED);
        model.close();
        assertAllFreedOnce();
    }

    private static void closeElsewhere(AutoCloseable part) {
        Thread closing = Thread.ofVirtual().start(() -> {
            try {
                part.close();
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        });
        try {
            assertThat(closing.join(java.time.Duration.ofSeconds(10)))
                    .as("closed while a callback waits for it")
                    .isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyPartIsFreedWhateverFails(Failing failing) {
        fake.failing = failing.name().toLowerCase(java.util.Locale.ROOT);
        LanguageModel model = fake.open();
        model.newSession();
        if (failing == Failing.NOTHING) {
            model.close();
        } else {
            assertThatThrownBy(model::close).hasMessage("closing the " + fake.failing);
        }
        assertAllFreedOnce();
        model.close();
        assertAllFreedOnce();
    }

    @Test
    void aPartThatFailsToCloseInACallbackDoesNotHideTheResult() {
        fake.failing = "backend";
        LanguageModel model = fake.open();
        assertThat(model.newSession().generate("abc", calling(model::close)).finishReason())
                .isEqualTo(FinishReason.CANCELLED);
        assertAllFreedOnce();
    }

    @Test
    void closingWaitsUntilNothingRunsAndAllIsFreed() throws Exception {
        LanguageModel model = fake.open();
        Session session = model.newSession();
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch leave = new CountDownLatch(1);
        fake.pass.duringEvaluation = () -> {
            inside.countDown();
            await(leave);
        };
        var running = CompletableFuture.supplyAsync(() -> session.generate("abc", GREEDY), Thread::startVirtualThread);
        await(inside);
        var first = CompletableFuture.runAsync(model::close, Thread::startVirtualThread);
        var second = CompletableFuture.runAsync(model::close, Thread::startVirtualThread);
        assertThatThrownBy(() -> first.get(50, TimeUnit.MILLISECONDS))
                .isInstanceOf(java.util.concurrent.TimeoutException.class);
        assertThat(second).isNotDone();
        assertNothingFreed();
        leave.countDown();
        first.get();
        assertAllFreedOnce();
        second.get();
        assertThat(running.get().finishReason()).isEqualTo(FinishReason.CANCELLED);
    }

    /** However the model is closed while streams are read, they end as cancelled. */
    @Test
    void aGenerationWhoseModelIsClosedAlwaysEndsAsCancelled() throws Exception {
        for (int round = 0; round < 30; round++) {
            FakeModel each = new FakeModel();
            each.contextLength = Integer.MAX_VALUE / 2;
            each.pass.bytesPerToken = 0;
            LanguageModel model = each.open();
            CountDownLatch begun = new CountDownLatch(4);
            try (var threads = Executors.newCachedThreadPool()) {
                List<Future<FinishReason>> readers = new ArrayList<>();
                for (int i = 0; i < 4; i++) {
                    boolean closeSession = i == 0;
                    Session session = model.newSession();
                    readers.add(threads.submit(() -> {
                        TokenStream stream = session.stream("abc", GREEDY);
                        stream.next();
                        begun.countDown();
                        while (stream.hasNext()) {
                            stream.next();
                        }
                        stream.close();
                        if (closeSession) {
                            session.close();
                        }
                        return stream.result().finishReason();
                    }));
                }
                await(begun);
                model.close();
                assertThat(each.closings).containsExactly("pass", "backend", "source");
                for (Future<FinishReason> reader : readers) {
                    assertThat(reader.get()).isEqualTo(FinishReason.CANCELLED);
                }
            }
        }
    }

    /** The prompt has many batches: had the closing been missed, more than one would follow. */
    @Test
    void closingASessionThatJustBeginsToEvaluateCancelsIt() throws Exception {
        AtomicInteger batches = new AtomicInteger();
        fake.contextLength = 1_000_000;
        CountDownLatch checked = new CountDownLatch(1);
        CountDownLatch closing = new CountDownLatch(1);
        fake.pass.duringEvaluation = batches::incrementAndGet;
        LanguageModel model = fake.open();
        Session session = model.newSession();
        fake.pass.duringSizing = () -> {
            checked.countDown();
            await(closing);
        };
        var running = CompletableFuture.supplyAsync(
                () -> session.evaluate(new int[900_000], false), Thread::startVirtualThread);
        await(checked); // inside evaluate, before its first batch
        var closed = CompletableFuture.runAsync(session::close, Thread::startVirtualThread);
        while (!session.isClosed()) {
            Thread.sleep(1);
        }
        closing.countDown();
        closed.get();
        assertThatThrownBy(running::get).hasCauseInstanceOf(CancellationException.class);
        assertThat(batches).hasValue(0);
        model.close();
    }

    @Test
    void aStreamWhoseSessionClosesMeanwhileClosesWithoutAnError() throws Exception {
        for (int round = 0; round < 100; round++) {
            FakeModel each = new FakeModel();
            try (LanguageModel model = each.open()) {
                Session session = model.newSession();
                TokenStream stream = session.stream("abc", GREEDY);
                stream.next();
                CyclicBarrier together = new CyclicBarrier(2);
                var closing = CompletableFuture.runAsync(
                        () -> {
                            await(together);
                            session.close();
                        },
                        Thread::startVirtualThread);
                await(together);
                stream.close();
                closing.get();
                assertThat(stream.result().finishReason()).isEqualTo(FinishReason.CANCELLED);
                assertThat(each.pass.openSequences).hasValue(0);
            }
        }
    }

    @Test
    void aModelThatWasForgottenIsFreedButForItsFile() throws Exception {
        forget();
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (fake.closings.size() < 2 && System.nanoTime() < deadline) {
            System.gc();
            Thread.sleep(10);
        }
        assertThat(fake.closings).containsExactly("pass", "backend");
        assertThat(fake.pass.openSequences).hasValue(0);
    }

    private void forget() {
        fake.open().newSession().generate("abc", GREEDY.withMaxTokens(1));
    }

    @Test
    void aModelIsNotForgottenWhileItsSessionOrStreamIsUsed() throws Exception {
        TokenStream stream = fake.open().newSession().stream("abc", GREEDY);
        for (int i = 0; i < 5; i++) {
            stream.next();
            System.gc();
            Thread.sleep(20);
            assertNothingFreed();
        }
        stream.next();
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static void await(CyclicBarrier barrier) {
        try {
            barrier.await();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }
}
