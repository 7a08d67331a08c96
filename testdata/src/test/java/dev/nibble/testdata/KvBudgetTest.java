package dev.nibble.testdata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.Engine;
import dev.nibble.EngineOptions;
import dev.nibble.Generation;
import dev.nibble.GenerationOptions;
import dev.nibble.KvBudgetException;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.OutOfMemoryException;
import dev.nibble.Session;
import dev.nibble.SessionOptions;
import dev.nibble.tensor.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Sessions wait for the memory that others hold, as long as there is hope; and what is kept for later goes before that. */
@Timeout(120)
class KvBudgetTest {
    private static final Duration LONG = Duration.ofMinutes(10);
    private static final GenerationOptions FEW = GenerationOptions.GREEDY.withMaxTokens(2);

    @TempDir
    Path folder;

    private LanguageModel load(String name, LoadOptions options) throws IOException {
        Path file = folder.resolve(name + ".gguf");
        TinyModels.write("llama", 1, DType.Q8_0, file);
        return LanguageModel.load(file, options.withThreads(2));
    }

    private LanguageModel load(LoadOptions options) throws IOException {
        return load("model", options);
    }

    /** With room for so many tokens, of 64 a page. */
    private LanguageModel withRoomFor(int tokens, Duration wait) throws IOException {
        long budget;
        try (LanguageModel model = load(LoadOptions.DEFAULT)) {
            budget = model.memoryPlan(tokens).kvCache();
        }
        return load(LoadOptions.DEFAULT.withKvCacheBudget(budget).withKvBudgetWait(wait));
    }

    private static int[] tokens(int count, int seed) {
        return new Random(seed).ints(count, 1, 250).toArray();
    }

    /** Runs in a thread of its own. */
    private static final class Call<T> extends FutureTask<T> {
        final Thread thread;

        Call(Callable<T> call) {
            super(call);
            thread = Thread.ofVirtual().start(this);
        }

        T result() throws Exception {
            return get(60, TimeUnit.SECONDS);
        }

        void assertWaits() {
            assertThatThrownBy(() -> get(300, TimeUnit.MILLISECONDS)).isInstanceOf(TimeoutException.class);
        }
    }

    @Test
    void aSessionGoesOnWhenAnotherGivesItsMemoryBack() throws Exception {
        try (LanguageModel model = withRoomFor(192, LONG);
                Session first = model.newSession(SessionOptions.DEFAULT.withPrivate(true));
                Session second = model.newSession()) {
            first.evaluate(tokens(128, 1), false);
            Call<float[]> evaluation = new Call<>(() -> second.evaluate(tokens(128, 2), false));
            evaluation.assertWaits();
            first.reset();
            assertThat(evaluation.result()).isNotEmpty();
            assertThat(second.length()).isEqualTo(128);
        }
    }

    @Test
    void aGenerationWaitsInItsMidst() throws Exception {
        try (LanguageModel model = withRoomFor(192, LONG);
                Session first = model.newSession(SessionOptions.DEFAULT.withPrivate(true));
                Session second = model.newSession()) {
            first.evaluate(tokens(120, 1), false);
            Call<Generation> generation = new Call<>(
                    () -> second.stream(tokens(50, 2), FEW.withMaxTokens(60).withIgnoreEndOfGeneration(true))
                            .result());
            generation.assertWaits();
            first.reset();
            assertThat(generation.result().tokens()).hasSize(60);
        }
    }

    @Test
    void theTimeItWaitsIsLimited() throws Exception {
        try (LanguageModel model = withRoomFor(192, Duration.ofMillis(100));
                Session first = model.newSession(SessionOptions.DEFAULT.withPrivate(true));
                Session second = model.newSession()) {
            first.evaluate(tokens(128, 1), false);
            second.evaluate(tokens(20, 2), false);
            assertThatThrownBy(() -> second.evaluate(tokens(100, 3), false))
                    .isInstanceOfSatisfying(KvBudgetException.class, e -> {
                        assertThat(e.requestedTokens()).isEqualTo(100);
                        assertThat(e.freeBytes()).isZero();
                    })
                    .hasMessageContaining("no other gave back enough in 100 ms")
                    .hasMessageContaining("LoadOptions.withKvCacheBudget");
            assertThat(second.length()).isEqualTo(20);
            first.reset();
            assertThat(second.evaluate(tokens(100, 3), false)).isNotEmpty();
        }
    }

    @Test
    void whoWaitsCanBeCancelled() throws Exception {
        try (LanguageModel model = withRoomFor(192, LONG);
                Session first = model.newSession(SessionOptions.DEFAULT.withPrivate(true));
                Session second = model.newSession()) {
            first.evaluate(tokens(128, 1), false);
            Call<float[]> evaluation = new Call<>(() -> second.evaluate(tokens(128, 2), false));
            evaluation.assertWaits();
            second.cancel();
            assertThatThrownBy(evaluation::result).hasCauseInstanceOf(CancellationException.class);
            assertThat(second.length()).isZero();
            assertThat(second.evaluate(tokens(60, 2), false))
                    .as("what there is room for")
                    .isNotEmpty();
        }
    }

    @Test
    void whoWaitsCanBeInterrupted() throws Exception {
        try (LanguageModel model = withRoomFor(192, LONG);
                Session first = model.newSession(SessionOptions.DEFAULT.withPrivate(true));
                Session second = model.newSession()) {
            first.evaluate(tokens(128, 1), false);
            Call<Boolean> evaluation = new Call<>(() -> {
                assertThatThrownBy(() -> second.evaluate(tokens(128, 2), false))
                        .isInstanceOf(CancellationException.class);
                return Thread.currentThread().isInterrupted();
            });
            evaluation.assertWaits();
            evaluation.thread.interrupt();
            assertThat(evaluation.result()).as("the flag stays").isTrue();
        }
    }

    @Test
    void theModelCanBeClosedWhileOneWaits() throws Exception {
        LanguageModel model = withRoomFor(192, LONG);
        Session first = model.newSession(SessionOptions.DEFAULT.withPrivate(true));
        Session second = model.newSession();
        first.evaluate(tokens(128, 1), false);
        Call<float[]> evaluation = new Call<>(() -> second.evaluate(tokens(128, 2), false));
        evaluation.assertWaits();
        new Call<>(() -> {
                    model.close();
                    return true;
                })
                .result();
        assertThatThrownBy(evaluation::result).hasCauseInstanceOf(CancellationException.class);
    }

    @Test
    void whereAllWaitTheYoungestFails() throws Exception {
        try (LanguageModel model = withRoomFor(192, LONG)) {
            Session old = model.newSession();
            Session young = model.newSession();
            old.evaluate(tokens(60, 1), false);
            young.evaluate(tokens(60, 2), false);
            Call<float[]> waits = new Call<>(() -> old.evaluate(tokens(120, 3), false));
            waits.assertWaits();
            new Call<>(() -> {
                        assertThatThrownBy(() -> young.evaluate(tokens(120, 4), false))
                                .isInstanceOf(KvBudgetException.class)
                                .hasMessageContaining("all other sessions wait for memory too");
                        young.close();
                        return true;
                    })
                    .result();
            assertThat(waits.result()).isNotEmpty();
            old.close();
        }
    }

    @Test
    void aSessionMayBeOpenedThoughOthersHoldItsMemoryNow() throws Exception {
        SessionOptions context = SessionOptions.DEFAULT.withContextLength(192);
        try (LanguageModel model = withRoomFor(192, LONG);
                Session first = model.newSession(context)) {
            first.evaluate(tokens(128, 1), false);
            model.newSession(context).close();
            assertThatThrownBy(() -> model.newSession(SessionOptions.DEFAULT.withContextLength(250)))
                    .isInstanceOf(OutOfMemoryException.class);
        }
    }

    @Test
    void whoIsAloneDoesNotWait() throws Exception {
        try (LanguageModel model = withRoomFor(192, LONG);
                Session session = model.newSession()) {
            session.evaluate(tokens(128, 1), false);
            for (int more : new int[] {70, 128}) {
                Call<float[]> evaluation = new Call<>(() -> session.evaluate(tokens(more, 2), false));
                assertThatThrownBy(evaluation::result).hasCauseInstanceOf(KvBudgetException.class);
            }
            assertThat(session.length()).isEqualTo(128);
        }
    }

    @Test
    void whatIsKeptForLaterIsTakenBeforeAnyoneWaits() throws Exception {
        try (LanguageModel model = withRoomFor(192, LONG);
                Session session = model.newSession()) {
            generate(model, tokens(150, 1));
            assertThat(model.stats().kvCachedBytes()).isPositive();
            assertThat(new Call<>(() -> session.evaluate(tokens(180, 2), false)).result())
                    .isNotEmpty();
        }
    }

    private static Generation generate(LanguageModel model, int[] prompt) {
        try (Session session = model.newSession()) {
            return session.stream(prompt, FEW).result();
        }
    }

    @Test
    void prefixesThatSessionsHoldAreNotDroppedInVain() throws Exception {
        int[] held = tokens(128, 1);
        try (LanguageModel model = withRoomFor(448, Duration.ZERO);
                Session runs = model.newSession();
                Session other = model.newSession(SessionOptions.DEFAULT.withPrivate(true))) {
            runs.evaluate(held, false);
            generate(model, tokens(200, 2)); // used later, but nobody's now
            other.evaluate(tokens(128, 3), false);
            assertThat(generate(model, held).stats().cachedTokens()).isEqualTo(127);
        }
    }

    @Test
    void hundredsOfPrefixesAreFound() throws Exception {
        int prompts = 400;
        try (LanguageModel model = load(LoadOptions.DEFAULT)) {
            for (int i = 0; i < prompts; i++) {
                try (Session session = model.newSession()) {
                    session.evaluate(tokens(20, i), false);
                }
            }
            for (int i = 0; i < prompts; i += 57) {
                assertThat(generate(model, tokens(20, i)).stats().cachedTokens())
                        .as("prompt " + i)
                        .isEqualTo(19);
            }
        }
    }

    /** What two models of an engine need, and the cache of one session. */
    @SuppressWarnings("try") // one model is there for what it takes only
    private long budgetOfTwo(int context) throws Exception {
        try (Engine engine = Engine.open(EngineOptions.DEFAULT.withThreads(2));
                LanguageModel one = load("one", LoadOptions.DEFAULT.withEngine(engine));
                LanguageModel other = load("other", LoadOptions.DEFAULT.withEngine(engine))) {
            return engine.memoryUsed() + one.memoryPlan(context).kvCache();
        }
    }

    @Test
    void otherModelsOfTheEngineGiveUpWhatTheyKeep() throws Exception {
        long budget = budgetOfTwo(256);
        try (Engine engine = Engine.open(EngineOptions.DEFAULT.withThreads(2).withMemoryBudget(budget));
                LanguageModel one = load("one", LoadOptions.DEFAULT.withEngine(engine));
                LanguageModel other = load("other", LoadOptions.DEFAULT.withEngine(engine))) {
            generate(one, tokens(200, 1));
            assertThat(one.stats().kvCachedBytes()).isPositive();
            try (Session session = other.newSession()) {
                assertThat(session.evaluate(tokens(250, 2), false)).isNotEmpty();
                assertThat(engine.memoryUsed()).isLessThanOrEqualTo(budget);
                assertThat(one.stats().kvBytes()).isZero();
                assertThatThrownBy(() -> generate(one, tokens(200, 3))).isInstanceOf(KvBudgetException.class);
            }
            assertThat(generate(one, tokens(200, 3)).tokens()).isNotEmpty();
        }
    }

    /** Each takes of the budget what the other keeps, again and again, while both hand things on. */
    @Test
    void modelsThatTakeFromEachOtherDoNotBlock() throws Exception {
        long budget = budgetOfTwo(512);
        LoadOptions waiting = LoadOptions.DEFAULT.withKvBudgetWait(Duration.ofSeconds(60));
        try (Engine engine = Engine.open(EngineOptions.DEFAULT.withThreads(2).withMemoryBudget(budget));
                LanguageModel one = load("one", waiting.withEngine(engine));
                LanguageModel other = load("other", waiting.withEngine(engine))) {
            List<Call<Boolean>> calls = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                LanguageModel model = i % 2 == 0 ? one : other;
                int number = i;
                calls.add(new Call<>(() -> {
                    for (int k = 0; k < 30; k++) {
                        generate(model, tokens(100, k % 3 + 10 * number));
                    }
                    return true;
                }));
            }
            for (Call<Boolean> call : calls) {
                assertThat(call.result()).isTrue();
            }
        }
    }
}
