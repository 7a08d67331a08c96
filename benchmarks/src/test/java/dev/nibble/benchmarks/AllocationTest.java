package dev.nibble.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.nibble.GenerationOptions;
import dev.nibble.KvCacheType;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.Session;
import dev.nibble.TokenStream;
import dev.nibble.cpu.CpuBackendProvider;
import dev.nibble.gguf.GgufFile;
import dev.nibble.model.Architectures;
import dev.nibble.sampling.Sampler;
import dev.nibble.sampling.Samplers;
import dev.nibble.spi.Backend;
import dev.nibble.spi.Batch;
import dev.nibble.spi.ForwardPass;
import dev.nibble.spi.Sequence;
import dev.nibble.tensor.DType;
import dev.nibble.testdata.TinyModels;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What decoding allocates, on all threads that take part, as the virtual machine counts it. */
class AllocationTest {
    /** The kernels' vectors are objects until they are compiled. */
    private static final long WARM_UP_NANOS = Duration.ofMinutes(2).toNanos();

    private static final int TOKENS = 100;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    @TempDir
    Path folder;

    private Path write(String name, DType dtype) throws IOException {
        Path file = folder.resolve(name + dtype + ".gguf");
        TinyModels.write(name, 1, dtype, file);
        return file;
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama", "llama-moe", "qwen35", "lfm2", "gpt-oss", "gemma3n"})
    void evaluatingATokenAllocatesNothing(String name) throws IOException {
        assertThat(allocatedByEvaluation(write(name, DType.Q8_0), 1)).isZero();
    }

    /** Loops that differ: with a minimum and without, scales of 16 and of 32 weights, levels, types read row by row. */
    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"Q4_0", "Q4_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q6_K", "IQ4_XS", "IQ3_S", "F16"})
    void evaluatingTokensOfATypeAllocatesNothing(DType dtype) throws IOException {
        Path file = write("llama", dtype);
        assertThat(allocatedByEvaluation(file, 1)).as("one by one").isZero();
        assertThat(allocatedByEvaluation(file, TOKENS)).as("as a prompt").isZero();
    }

    /** Tokens evaluated in batches, logits for all: what is done for the last alone is rarely compiled. */
    private long allocatedByEvaluation(Path model, int batchSize) throws IOException {
        try (GgufFile file = GgufFile.open(model);
                Backend backend = new CpuBackendProvider().open(LoadOptions.DEFAULT.withThreads(2));
                ForwardPass pass = backend.compile(Architectures.read(file, 256));
                Sequence sequence = pass.newSequence(TOKENS, KvCacheType.F16)) {
            float[] logits = new float[batchSize * pass.outputSize()];
            Batch batch = new Batch(batchSize);
            BooleanSupplier never = () -> false;
            return allocatedBy(
                    () -> {
                        sequence.truncate(0);
                        for (int i = 0; i < TOKENS; i += batchSize) {
                            batch.clear();
                            for (int j = i; j < i + batchSize; j++) {
                                batch.add(sequence, j, true);
                            }
                            pass.evaluate(batch, logits, never);
                        }
                    },
                    0);
        }
    }

    static Stream<GenerationOptions> chains() {
        GenerationOptions options = GenerationOptions.DEFAULT.withSeed(1);
        return Stream.of(
                GenerationOptions.GREEDY,
                options.withTopK(40).withTopP(0.95f),
                options.withTopK(0).withTopP(0.95f),
                options.withTopK(0).withTopP(1).withMinP(0).withRepeatPenalty(1.1f),
                options.withTopK(0).withTypicalP(0.5f).withXtcProbability(0.5f));
    }

    @ParameterizedTest
    @MethodSource("chains")
    void choosingATokenAllocatesNothing(GenerationOptions options) {
        SplittableRandom random = new SplittableRandom(1);
        float[] logits = new float[30_000];
        for (int i = 0; i < logits.length; i++) {
            logits[i] = (float) random.nextGaussian();
        }
        int[] tokens = {1, 2, 2};
        Sampler sampler = Samplers.of(options, logits.length);
        long allocated = allocatedBy(
                () -> {
                    for (int i = 0; i < TOKENS; i++) {
                        sampler.sample(logits, tokens, tokens.length);
                    }
                },
                0);
        assertThat(allocated).isZero();
    }

    /** Only what the caller gets is new: the token with its text. */
    @Test
    void generatingATokenAllocatesTheTokenOnly() throws IOException {
        try (LanguageModel model = LanguageModel.load(write("llama", DType.Q8_0), LoadOptions.DEFAULT.withThreads(2));
                Session session = model.newSession()) {
            GenerationOptions options = GenerationOptions.DEFAULT.withIgnoreEndOfGeneration(true);
            long allocated = allocatedBy(
                    () -> {
                        session.reset();
                        TokenStream stream = session.stream(new int[] {1, 2, 3}, options);
                        stream.next();
                        start();
                        for (int i = 0; i < TOKENS; i++) {
                            stream.next();
                        }
                    },
                    500L * TOKENS);
            assertThat(allocated).isBetween(0L, 500L * TOKENS);
        }
    }

    private long[] workers = new long[0];
    private long workersBefore;
    private long ownBefore;

    /** Counts from here on. */
    private void start() {
        workers = Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("nibble-worker"))
                .mapToLong(Thread::threadId)
                .toArray();
        workersBefore = ofWorkers();
        ownBefore = THREADS.getCurrentThreadAllocatedBytes();
    }

    /** What the workers allocated; negative if one of them, of a pool that was closed, has ended. */
    private long ofWorkers() {
        long[] bytes = THREADS.getThreadAllocatedBytes(workers);
        return Arrays.stream(bytes).anyMatch(count -> count < 0)
                ? -1
                : Arrays.stream(bytes).sum();
    }

    /** Runs the task until it allocates no more than the limit, or for long: the least bytes, those of the workers included. */
    private long allocatedBy(Runnable task, long limit) {
        long least = Long.MAX_VALUE;
        long deadline = System.nanoTime() + WARM_UP_NANOS;
        while (least > limit && System.nanoTime() < deadline) {
            start();
            task.run();
            long own = THREADS.getCurrentThreadAllocatedBytes() - ownBefore;
            long workersAfter = ofWorkers();
            if (workersBefore >= 0 && workersAfter >= 0) {
                least = Math.min(least, own + workersAfter - workersBefore);
            }
        }
        return least;
    }
}
