package dev.nibble.cli;

import dev.nibble.GenerationOptions;
import dev.nibble.LanguageModel;
import dev.nibble.ModelStats;
import dev.nibble.Session;
import dev.nibble.SessionOptions;
import dev.nibble.TokenStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletionService;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;

/**
 * How fast a model answers several conversations at once, each in a thread of its own and with sampling. All prompts are read
 * first, then all sessions generate, so that the two speeds are told apart.
 */
final class SessionsBench {
    private static final int SEED = 42;

    private final LanguageModel model;
    private final GenerationOptions base;
    private final int promptTokens;
    private final int generateTokens;
    private final int sharedPrefix;
    private int runs;

    /**
     * @param promptTokens of each session, 1 or more
     * @param generateTokens of each session after the first one, 1 or more
     * @param sharedPrefix tokens before these that all prompts of a run begin with; without them sessions share nothing
     * @param base options that all have
     */
    SessionsBench(LanguageModel model, int promptTokens, int generateTokens, int sharedPrefix, GenerationOptions base) {
        this.base = base;
        this.model = model;
        this.promptTokens = sharedPrefix + promptTokens;
        this.generateTokens = generateTokens;
        this.sharedPrefix = sharedPrefix;
    }

    /**
     * What was measured with so many sessions: rates in tokens a second of all together, times in milliseconds.
     *
     * @param promptTokens of each session, those it did not evaluate included
     * @param cachedTokens of all prompts, taken over from other sessions
     * @param meanBatch sessions evaluated together while all generate, on average
     * @param kvBytes of all sessions together
     */
    record Result(
            int sessions,
            int promptTokens,
            int cachedTokens,
            int generatedTokens,
            double promptRate,
            double generationRate,
            double meanBatch,
            double firstTokenMedian,
            double firstTokenP95,
            double gapMedian,
            double gapP95,
            long kvBytes) {

        /** By the names of JSON. */
        Map<String, Object> values() {
            Map<String, Object> values = new LinkedHashMap<>();
            values.put("sessions", sessions);
            values.put("prompt_tokens", promptTokens);
            values.put("cached_tokens", cachedTokens);
            values.put("generated_tokens", generatedTokens);
            values.put("prompt_tokens_per_second", promptRate);
            values.put("generation_tokens_per_second", generationRate);
            values.put("mean_batch", meanBatch);
            values.put("ttft_p50_ms", firstTokenMedian);
            values.put("ttft_p95_ms", firstTokenP95);
            values.put("gap_p50_ms", gapMedian);
            values.put("gap_p95_ms", gapP95);
            values.put("kv_bytes", kvBytes);
            return values;
        }

        /** The head of a table of these. */
        static String head() {
            return "sessions   prompt t/s     gen. t/s mean batch  first token, p50 p95        gap, p50 p95     KV"
                    + " cache  cached";
        }

        String row() {
            return String.format(
                    Locale.ROOT,
                    "%8d %12.1f %12.1f %10.2f %10.0f %7.0f ms %8.1f %7.1f ms %9.1f MB %7d",
                    sessions,
                    promptRate,
                    generationRate,
                    meanBatch,
                    firstTokenMedian,
                    firstTokenP95,
                    gapMedian,
                    gapP95,
                    kvBytes * 1e-6,
                    cachedTokens);
        }
    }

    /** Measures so many sessions at once, after a run that is not counted; the repetition of median speed. */
    Result measure(int sessions, int repetitions) {
        run(sessions);
        List<Result> runs = new ArrayList<>();
        for (int i = 0; i < repetitions; i++) {
            runs.add(run(sessions));
        }
        runs.sort(Comparator.comparingDouble(Result::generationRate));
        return runs.get(runs.size() / 2);
    }

    private Result run(int count) {
        SessionOptions options = SessionOptions.DEFAULT
                .withContextLength(promptTokens + generateTokens + 1)
                .withPrivate(sharedPrefix == 0);
        runs++;
        List<Session> sessions = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < count; i++) {
                sessions.add(model.newSession(options));
            }
            return new Run(sessions).measure(threads);
        } finally {
            sessions.forEach(Session::close);
        }
    }

    /** The value of which a share of all is no larger. */
    private static double percentile(long[] sorted, double share) {
        return sorted[(int) Math.min(sorted.length - 1L, (long) Math.ceil(share * sorted.length) - 1)] * 1e-6;
    }

    private final class Run {
        private final List<Session> sessions;
        private final int count;
        private final long[] firstNanos;
        private final long[][] gapNanos;
        private final int[] cachedTokens;
        private final CyclicBarrier start;
        private final CyclicBarrier read;
        private volatile long begun;
        private volatile long allRead;
        private volatile ModelStats before = ModelStats.NONE;

        Run(List<Session> sessions) {
            this.sessions = sessions;
            count = sessions.size();
            firstNanos = new long[count];
            gapNanos = new long[count][generateTokens];
            cachedTokens = new int[count];
            start = new CyclicBarrier(count, () -> begun = System.nanoTime());
            read = new CyclicBarrier(count, () -> {
                before = model.stats();
                allRead = System.nanoTime();
            });
        }

        Result measure(ExecutorService threads) {
            CompletionService<Object> completed = new ExecutorCompletionService<>(threads);
            List<Future<Object>> running = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                int number = i;
                running.add(completed.submit(() -> generate(number)));
            }
            try {
                for (int i = 0; i < count; i++) {
                    completed.take().get(); // the first that fails, whichever it is: others wait for it
                }
            } catch (ExecutionException e) {
                if (e.getCause() instanceof RuntimeException cause) {
                    throw cause;
                }
                throw new IllegalStateException("a session failed: " + e.getCause(), e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("the measurement was interrupted", e);
            } finally {
                running.forEach(each -> each.cancel(true));
            }
            long ended = System.nanoTime();
            return result(ended, model.stats().since(before));
        }

        private Object generate(int number) throws Exception {
            int[] prompt = prompt(number);
            GenerationOptions options = base.withTemperature(0.8f)
                    .withTopK(40)
                    .withTopP(0.95f)
                    .withSeed(number)
                    .withIgnoreEndOfGeneration(true)
                    .withMaxTokens(generateTokens + 1);
            start.await();
            try (TokenStream stream = sessions.get(number).stream(prompt, options)) {
                stream.next();
                firstNanos[number] = System.nanoTime() - begun;
                read.await();
                long last = allRead;
                for (int i = 0; i < generateTokens; i++) {
                    stream.next();
                    long now = System.nanoTime();
                    gapNanos[number][i] = now - last;
                    last = now;
                }
                stream.cancel();
                cachedTokens[number] = stream.result().stats().cachedTokens();
            }
            return number;
        }

        /** What all begin with is new in each run, that nothing of it is there from the last. */
        private int[] prompt(int number) {
            int size = model.tokenizer().vocabulary().size();
            return IntStream.concat(
                            new Random(SEED - runs).ints(sharedPrefix, 0, size),
                            new Random(SEED + number).ints(promptTokens - sharedPrefix, 0, size))
                    .toArray();
        }

        private Result result(long ended, ModelStats generating) {
            long[] gaps = Arrays.stream(gapNanos)
                    .flatMapToLong(Arrays::stream)
                    .sorted()
                    .toArray();
            Arrays.sort(firstNanos);
            long held = generating.kvBytes() - generating.kvCachedBytes();
            return new Result(
                    count,
                    promptTokens,
                    Arrays.stream(cachedTokens).sum(),
                    generateTokens,
                    (double) count * promptTokens / ((allRead - begun) * 1e-9),
                    (double) count * generateTokens / ((ended - allRead) * 1e-9),
                    generating.meanBatchSize(),
                    percentile(firstNanos, 0.5),
                    percentile(firstNanos, 0.95),
                    percentile(gaps, 0.5),
                    percentile(gaps, 0.95),
                    held > 0
                            ? held
                            : count
                                    * model.memoryPlan(promptTokens + generateTokens + 1)
                                            .kvCache());
        }
    }
}
