package dev.nibble.testdata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.Engine;
import dev.nibble.EngineOptions;
import dev.nibble.Generation;
import dev.nibble.GenerationOptions;
import dev.nibble.KvBudgetException;
import dev.nibble.KvCacheType;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.ModelStats;
import dev.nibble.OutOfMemoryException;
import dev.nibble.Session;
import dev.nibble.SessionOptions;
import dev.nibble.TokenStream;
import dev.nibble.tensor.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Sessions that begin with the same tokens evaluate them once, at the same time or one after the other, and generate what each would
 * without the others; memory is bounded, and counted.
 */
@Tag("batch-invariance")
@DisabledIf(
        value = "dev.nibble.testdata.ProcessorVectors#areTheUsual",
        disabledReason = "machine code for this processor has vectors of this width without being asked")
@Timeout(120)
class PrefixCacheTest {
    private static final int CONTEXT = 1024;
    /** Tokens that are worth sharing. */
    private static final int KEPT_LEAST = 16;

    private static final GenerationOptions OPTIONS = GenerationOptions.DEFAULT
            .withTemperature(1)
            .withSeed(3)
            .withIgnoreEndOfGeneration(true)
            .withMaxTokens(12);
    private static final SessionOptions PRIVATE = SessionOptions.DEFAULT.withPrivate(true);

    @TempDir
    Path folder;

    private LanguageModel load(String name, LoadOptions options) throws IOException {
        Path file = folder.resolve("model.gguf");
        TinyModels.write(name, 1, DType.Q8_0, file);
        return LanguageModel.load(file, options.withThreads(2));
    }

    private LanguageModel load(String name) throws IOException {
        int context = name.equals("gpt2") ? 256 : CONTEXT; // it has learned so many positions
        return load(name, LoadOptions.DEFAULT.withContextLength(context));
    }

    private static int[] tokens(int count, int seed) {
        return new Random(seed).ints(count, 1, 250).toArray();
    }

    private static int[] concat(int[] some, int[] others) {
        int[] all = Arrays.copyOf(some, some.length + others.length);
        System.arraycopy(others, 0, all, some.length, others.length);
        return all;
    }

    private static Generation generate(LanguageModel model, SessionOptions options, int[] prompt) {
        try (Session session = model.newSession(options)) {
            return session.stream(prompt, OPTIONS).result();
        }
    }

    private static Generation generate(LanguageModel model, int[] prompt) {
        return generate(model, SessionOptions.DEFAULT, prompt);
    }

    private static boolean isExact(LanguageModel model) {
        return model.backendDescription().contains("machine code");
    }

    private static void assertSame(LanguageModel model, int[] prompt, Generation generation) {
        if (isExact(model)) {
            assertThat(generation.tokens())
                    .isEqualTo(generate(model, PRIVATE, prompt).tokens());
        }
    }

    static List<String> models() {
        return List.copyOf(TinyModels.names());
    }

    @ParameterizedTest
    @MethodSource("models")
    void whatAClosedSessionEvaluatedIsTakenOver(String name) throws IOException {
        int[] prefix = tokens(200, 1);
        try (LanguageModel model = load(name)) {
            Generation first = generate(model, prefix);
            assertThat(first.stats().cachedTokens()).isZero();
            assertSame(model, prefix, first);
            List<Integer> cached = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                int[] prompt = concat(Arrays.copyOf(prefix, 150), tokens(30, 10 + i));
                Generation generation = generate(model, prompt);
                assertSame(model, prompt, generation);
                cached.add(generation.stats().cachedTokens());
                assertThat(generation.stats().promptTokens()).isEqualTo(180);
            }
            // where layers cannot go back, the first to differ remembers where
            assertThat(cached.get(0)).isIn(0, 150);
            assertThat(cached.subList(1, 3)).containsOnly(150);
            ModelStats stats = model.stats();
            assertThat(stats.prefixHits()).isBetween(2L, 3L);
            assertThat(stats.prefixTokens()).isEqualTo(150 * stats.prefixHits());
            assertThat(stats.kvBytes()).isPositive().isLessThanOrEqualTo(stats.kvBudget());
        } catch (dev.nibble.UnsupportedModelException e) {
            assertThat(e).hasMessageContaining("embedding model");
        }
    }

    /** What differs may be shorter than what is worth looking for. */
    @ParameterizedTest
    @ValueSource(strings = {"llama", "gemma3", "qwen35", "lfm2", "granitehybrid"})
    void aPromptMayDifferInItsLastTokens(String name) throws IOException {
        int[] prefix = tokens(60, 1);
        for (int differing = 1; differing <= 2 * KEPT_LEAST; differing++) {
            try (LanguageModel model = load(name)) {
                generate(model, prefix);
                int[] prompt = concat(Arrays.copyOf(prefix, 40), tokens(differing, 20 + differing));
                Generation generation = generate(model, prompt);
                assertThat(generation.tokens()).hasSize(12);
                assertSame(model, prompt, generation);
            }
        }
    }

    @Test
    void theLastTokenOfAPromptIsEvaluatedForItsScores() throws IOException {
        int[] prompt = tokens(100, 1);
        try (LanguageModel model = load("llama")) {
            generate(model, prompt);
            Generation again = generate(model, prompt);
            assertThat(again.stats().cachedTokens()).isEqualTo(99);
            assertSame(model, prompt, again);
            try (Session session = model.newSession()) {
                assertThat(session.score(prompt)).hasSize(100);
                assertThat(session.length()).isEqualTo(100);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama", "gemma3", "qwen35"})
    void sessionsAtTheSameTimeEvaluateACommonPromptOnce(String name) throws Exception {
        int count = 10;
        int[] prefix = tokens(600, 1);
        try (LanguageModel model = load(name);
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            CountDownLatch begin = new CountDownLatch(1);
            List<Future<Generation>> all = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                int[] prompt = concat(prefix, tokens(20, i));
                all.add(threads.submit(() -> {
                    begin.await();
                    return generate(model, prompt);
                }));
            }
            begin.countDown();
            for (int i = 0; i < count; i++) {
                assertSame(model, concat(prefix, tokens(20, i)), all.get(i).get());
            }
            long evaluated = model.stats().promptTokens();
            int alone = isExact(model) ? count * 620 : 0; // by assertSame
            assertThat(evaluated - alone)
                    .as("tokens evaluated of %d", count * 620)
                    .isBetween(600L + count * 19, 3L * 600 + count * 20); // a last token by itself counts as a step
        }
    }

    @Test
    void aCancelledPromptStaysAsFarAsItCame() throws IOException {
        int[] prompt = tokens(900, 1);
        try (LanguageModel model = load("llama")) {
            try (Session session = model.newSession()) {
                GenerationOptions options = OPTIONS.withPromptProgress((done, all) -> session.cancel());
                assertThat(session.stream(prompt, options).result().tokens()).isEmpty();
            }
            Generation generation = generate(model, prompt);
            assertThat(generation.stats().cachedTokens()).isEqualTo(512);
            assertSame(model, prompt, generation);
        }
    }

    @Test
    void aPrivateSessionSharesNothing() throws IOException {
        int[] prompt = tokens(100, 1);
        try (LanguageModel model = load("llama")) {
            generate(model, PRIVATE, prompt);
            assertThat(model.stats().kvBytes()).as("left behind").isZero();
            assertThat(generate(model, prompt).stats().cachedTokens()).isZero();
            assertThat(generate(model, PRIVATE, prompt).stats().cachedTokens()).isZero();
            assertThat(model.stats().prefixHits()).isZero();
        }
        try (LanguageModel model = load("llama", LoadOptions.DEFAULT.withPrefixCache(false))) {
            generate(model, prompt);
            assertThat(generate(model, prompt).stats().cachedTokens()).isZero();
            assertThat(model.stats().kvBytes()).isZero();
        }
    }

    @Test
    void aSessionOfAnotherTypeSharesNothing() throws IOException {
        int[] prompt = tokens(100, 1);
        try (LanguageModel model = load("llama")) {
            generate(model, prompt);
            SessionOptions exact = SessionOptions.DEFAULT.withKvCacheType(KvCacheType.F32);
            assertThat(generate(model, exact, prompt).stats().cachedTokens()).isZero();
            assertThat(generate(model, exact, prompt).stats().cachedTokens()).isEqualTo(99);
            SessionOptions values = SessionOptions.DEFAULT.withKvCacheTypes(KvCacheType.F16, KvCacheType.Q4_0);
            assertThat(generate(model, values, prompt).stats().cachedTokens()).isZero();
            assertThat(generate(model, values, prompt).stats().cachedTokens()).isEqualTo(99);
        }
    }

    @SuppressWarnings("try") // one is closed in the course of the test
    @ParameterizedTest
    @MethodSource("models")
    void forksGoOnByThemselves(String name) throws IOException {
        int[] prompt = tokens(100, 1);
        try (LanguageModel model = load(name);
                Session session = model.newSession(PRIVATE)) {
            session.evaluate(prompt, false);
            long before = model.stats().promptTokens();
            List<Session> forks = List.of(session.fork(), session.fork(), session.fork(70));
            assertThat(forks).extracting(Session::length).containsExactly(100, 100, 70);
            int[] next = tokens(5, 2);
            List<float[]> scores = new ArrayList<>();
            scores.add(session.evaluate(next, true));
            for (Session fork : forks) {
                scores.add(fork.evaluate(
                        fork.length() == 70 ? concat(Arrays.copyOfRange(prompt, 70, 100), next) : next, true));
            }
            assertThat(model.stats().promptTokens() - before)
                    .as("one prompt costs no second one, unless the model cannot go back")
                    .isIn(3 * 5L + 35, 3 * 5L + 105);
            if (isExact(model)) {
                int width = scores.getFirst().length;
                assertThat(scores.get(1)).isEqualTo(scores.get(0));
                assertThat(scores.get(2)).isEqualTo(scores.get(0));
                float[] third = scores.get(3);
                assertThat(Arrays.copyOfRange(third, third.length - width, third.length))
                        .isEqualTo(scores.get(0));
            }
            Session chain = forks.get(1).fork();
            forks.forEach(Session::close);
            assertThat(chain.length()).isEqualTo(105);
            assertThat(chain.stream(new int[] {7}, OPTIONS).result().tokens()).hasSize(12);
            chain.close();
            assertThatThrownBy(() -> session.fork(106)).isInstanceOf(IllegalArgumentException.class);
            session.close();
            assertThat(model.stats().kvBytes()).as("bytes of closed sessions").isZero();
            assertThatThrownBy(session::fork).isInstanceOf(IllegalStateException.class);
        } catch (dev.nibble.UnsupportedModelException e) {
            assertThat(e).hasMessageContaining("embedding model");
        }
    }

    @Test
    void answersOfForksAreThoseOfTheirSeeds() throws IOException {
        try (LanguageModel model = load("llama");
                Session session = model.newSession()) {
            session.evaluate(tokens(100, 1), false);
            for (int seed = 0; seed < 3; seed++) {
                GenerationOptions options = OPTIONS.withSeed(seed);
                try (Session fork = session.fork();
                        Session alone = model.newSession(PRIVATE)) {
                    int[] answer = fork.stream(new int[0], options).result().tokens();
                    if (isExact(model)) {
                        assertThat(answer)
                                .isEqualTo(alone.stream(tokens(100, 1), options)
                                        .result()
                                        .tokens());
                    }
                }
            }
        }
    }

    @Test
    void theModelIsClosedWhileSessionsAndForksAreOpen() throws IOException {
        LanguageModel model = load("llama");
        Session session = model.newSession();
        session.evaluate(tokens(100, 1), false);
        Session fork = session.fork();
        TokenStream stream = fork.stream(new int[] {5}, OPTIONS);
        stream.next();
        model.close();
        assertThat(model.stats().kvBytes()).isZero();
        session.close();
        fork.close();
        assertThatThrownBy(session::fork).isInstanceOf(IllegalStateException.class);
    }

    /** The budget holds one session of 256 tokens and one of 192, or what is kept of such. */
    @Test
    void prefixesAreDroppedBeforeASessionIsRefused() throws IOException {
        long budget;
        try (LanguageModel model = load("llama")) {
            budget = model.memoryPlan(448).kvCache();
        }
        try (LanguageModel model = load("llama", LoadOptions.DEFAULT.withKvCacheBudget(budget))) {
            for (int i = 0; i < 5; i++) {
                generate(model, tokens(200, i));
                assertThat(model.stats().kvBytes()).isLessThanOrEqualTo(budget);
                assertThat(model.stats().kvBudget()).isEqualTo(budget);
            }
            assertThat(generate(model, tokens(200, 4)).stats().cachedTokens())
                    .as("the last")
                    .isEqualTo(199);
            assertThat(generate(model, tokens(200, 0)).stats().cachedTokens())
                    .as("the first")
                    .isZero();
            assertThat(model.stats().kvCachedBytes()).isEqualTo(model.stats().kvBytes());
            try (Session first = model.newSession();
                    Session second = model.newSession()) {
                first.evaluate(tokens(250, 8), false);
                second.evaluate(tokens(100, 9), false);
                assertThatThrownBy(() -> second.evaluate(tokens(140, 10), false))
                        .isInstanceOfSatisfying(KvBudgetException.class, e -> {
                            assertThat(e.requestedTokens()).isEqualTo(140);
                            assertThat(e.freeBytes()).isLessThan(e.requestedBytes());
                            assertThat(e.freeTokens()).isBetween(1, 139);
                        })
                        .hasMessageContaining("the model's KV cache budget")
                        .hasMessageContaining("LoadOptions.withKvCacheBudget");
                assertThat(second.length()).isEqualTo(100);
                assertThat(first.evaluate(tokens(5, 1), false)).isNotEmpty();
                first.reset();
                assertThat(second.evaluate(tokens(140, 10), false))
                        .as("after memory is free")
                        .isNotEmpty();
            }
            assertThat(model.stats().kvBytes()).isLessThanOrEqualTo(budget);
        }
    }

    @SuppressWarnings("try") // one is closed in the course of the test
    @Test
    void aGenerationThatReachesTheBudgetKeepsWhatItHas() throws IOException {
        long budget;
        try (LanguageModel model = load("llama")) {
            budget = model.memoryPlan(192).kvCache();
        }
        try (LanguageModel model = load("llama", LoadOptions.DEFAULT.withKvCacheBudget(budget));
                Session session = model.newSession()) {
            session.evaluate(tokens(64, 1), false);
            Session other = model.newSession();
            TokenStream stream = other.stream(tokens(64, 2), OPTIONS.withMaxTokens(100));
            assertThatThrownBy(() -> {
                        while (stream.hasNext()) {
                            stream.next();
                        }
                    })
                    .isInstanceOf(KvBudgetException.class);
            assertThat(other.length()).isBetween(128, 130);
            session.close();
            assertThat(other.stream(new int[] {3}, OPTIONS).result().tokens())
                    .as("with the memory of the other")
                    .hasSize(12);
            other.close();
        }
    }

    @Test
    void theBudgetOfAnEngineCountsWhatIsKept() throws IOException {
        try (Engine engine = Engine.open(EngineOptions.DEFAULT.withThreads(2))) {
            long needed;
            try (LanguageModel model = load("llama", LoadOptions.DEFAULT.withEngine(engine))) {
                needed = engine.memoryUsed() + model.memoryPlan(256).kvCache();
                generate(model, tokens(200, 1));
                assertThat(engine.memoryUsed())
                        .isGreaterThan(needed - model.memoryPlan(256).kvCache());
            }
            assertThat(engine.memoryUsed()).isZero();
            try (Engine small = Engine.open(EngineOptions.DEFAULT.withThreads(2).withMemoryBudget(needed));
                    LanguageModel model = load("llama", LoadOptions.DEFAULT.withEngine(small))) {
                for (int i = 0; i < 3; i++) {
                    try (Session session = model.newSession(SessionOptions.DEFAULT.withContextLength(256))) {
                        session.evaluate(tokens(250, i), false);
                        assertThat(small.memoryUsed()).isLessThanOrEqualTo(needed);
                        assertThatThrownBy(() -> model.newSession(SessionOptions.DEFAULT.withContextLength(512)))
                                .isInstanceOf(OutOfMemoryException.class);
                    }
                }
            }
        }
    }

    @Test
    void truncatingAndResettingGiveMemoryBack() throws IOException {
        try (LanguageModel model = load("llama");
                Session session = model.newSession(PRIVATE)) {
            session.evaluate(tokens(400, 1), false);
            long full = model.stats().kvBytes();
            session.truncate(100);
            assertThat(model.stats().kvBytes()).isLessThan(full / 2).isPositive();
            session.reset();
            assertThat(model.stats().kvBytes()).isZero();
        }
    }
}
