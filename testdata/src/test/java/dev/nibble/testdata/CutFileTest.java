package dev.nibble.testdata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.nibble.KvCacheType;
import dev.nibble.LoadOptions;
import dev.nibble.ModelFormatException;
import dev.nibble.gguf.GgufFile;
import dev.nibble.spi.Backend;
import dev.nibble.spi.Batch;
import dev.nibble.spi.ForwardPass;
import dev.nibble.spi.Sequence;
import dev.nibble.tensor.DType;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A model file that is cut short while its weights are read where they are mapped. */
@Timeout(240)
class CutFileTest {
    private static final int[] TOKENS = {1, 7, 3, 12, 5, 9};

    @TempDir
    Path folder;

    /** Each time at another moment, and to another length. */
    @ParameterizedTest
    @CsvSource({"wide, 2, 25", "wide, 4, 25", "qwen3moe, 3, 10", "granitehybrid, 3, 10"})
    void evaluationEndsWithAnErrorAndTheBackendGoesOn(String name, int threads, int cuts) throws Exception {
        assumeFalse(System.getProperty("os.name").startsWith("Windows"), "Windows does not shorten a mapped file");
        Path whole = folder.resolve("whole.gguf");
        write(name, whole);
        SplittableRandom random = new SplittableRandom(threads);
        try (Backend backend =
                Evaluation.openBackend(LoadOptions.EXACT.withThreads(threads).withRepack(false))) {
            float[] expected = evaluate(backend, whole);
            long workers = workers();
            for (int cut = 0; cut < cuts; cut++) {
                Path file = Files.copy(whole, folder.resolve(cut + ".gguf"));
                long length = random.nextLong(Files.size(whole) * 9 / 10);
                cutWhileEvaluating(backend, file, length, random.nextInt(3000));
                assertThat(evaluate(backend, whole)).as("after cut %d", cut).isEqualTo(expected);
                assertThat(workers()).as("worker threads").isEqualTo(workers);
            }
        }
    }

    private static void write(String name, Path file) throws IOException {
        if (!name.equals("wide")) {
            TinyModels.write(name, 1, file);
            return;
        }
        // matrices large enough that all threads take part
        ModelSketch sketch = new ModelSketch("llama", name, ModelSketch.TypeRule.all(DType.F32), 1, 1);
        sketch.dimensions(new ModelSketch.Dimensions(2, 384, 1024, 6, 3, 64), 10000, 1e-5f)
                .ends(true)
                .uint("rope.dimension_count", 64)
                .layers(LayerSketch::llama);
        sketch.write(file);
    }

    private static void cutWhileEvaluating(Backend backend, Path file, long length, int delayMicros) throws Exception {
        try (GgufFile source = GgufFile.open(file);
                ForwardPass pass = Evaluation.compile(backend, source)) {
            CountDownLatch started = new CountDownLatch(1);
            AtomicReference<Throwable> thrown = new AtomicReference<>();
            Thread reader = new Thread(() -> thrown.set(catchThrowable(() -> {
                while (true) {
                    evaluateSteps(pass, started);
                }
            })));
            reader.start();
            assertThat(started.await(60, TimeUnit.SECONDS)).isTrue();
            TimeUnit.MICROSECONDS.sleep(delayMicros);
            truncate(file, length);
            assertThat(reader.join(java.time.Duration.ofSeconds(60)))
                    .as("the evaluation of a file cut to %d bytes ends", length)
                    .isTrue();
            assertThat(thrown.get())
                    .isInstanceOf(ModelFormatException.class)
                    .hasMessageContaining("can no longer be read");
        }
        Files.delete(file);
    }

    private static void evaluateSteps(ForwardPass pass, CountDownLatch started) {
        float[] logits = new float[pass.outputSize()];
        try (Sequence sequence = pass.newSequence(64, KvCacheType.F16)) {
            for (int step = 0; step < 16; step++) {
                Batch batch = new Batch(3);
                for (int i = 0; i < (step == 0 ? 3 : 1); i++) {
                    batch.add(sequence, TOKENS[(step + i) % TOKENS.length], i == 0);
                }
                int before = sequence.length();
                try {
                    pass.evaluate(batch, logits, () -> false);
                } catch (ModelFormatException e) {
                    assertThat(sequence.length()).as("a batch that failed").isEqualTo(before);
                    throw e;
                }
                started.countDown();
            }
        }
    }

    @Test
    void anErrorInOneSequencesBatchIsTheSameForAllCallers() throws Exception {
        assumeFalse(System.getProperty("os.name").startsWith("Windows"), "Windows does not shorten a mapped file");
        Path file = folder.resolve("model.gguf");
        TinyModels.write("llama", 1, file);
        try (Backend backend = Evaluation.openBackend(LoadOptions.EXACT.withThreads(3));
                GgufFile source = GgufFile.open(file);
                ForwardPass pass = Evaluation.compile(backend, source)) {
            Evaluation.evaluate(pass, TOKENS, KvCacheType.F32, 2);
            truncate(file, 4096);
            for (int i = 0; i < 200; i++) {
                assertThat(catchThrowable(() -> Evaluation.evaluate(pass, TOKENS, KvCacheType.F32, 2)))
                        .isInstanceOf(ModelFormatException.class);
            }
        }
    }

    private static float[] evaluate(Backend backend, Path file) throws IOException {
        try (GgufFile source = GgufFile.open(file);
                ForwardPass pass = Evaluation.compile(backend, source)) {
            return Evaluation.evaluate(pass, TOKENS, KvCacheType.F32, 2);
        }
    }

    private static void truncate(Path file, long length) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.truncate(length);
        }
    }

    private static long workers() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("nibble-worker-"))
                .count();
    }
}
