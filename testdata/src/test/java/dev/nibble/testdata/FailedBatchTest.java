package dev.nibble.testdata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.KvCacheType;
import dev.nibble.LoadOptions;
import dev.nibble.gguf.GgufFile;
import dev.nibble.spi.Backend;
import dev.nibble.spi.Batch;
import dev.nibble.spi.ForwardPass;
import dev.nibble.spi.Sequence;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A batch of several sequences that is cancelled or fails, wherever it is, changes none of them. */
@Tag("kernel-family")
@Timeout(120)
class FailedBatchTest {
    private static final int SEQUENCES = 3;
    private static final int STEPS = 4;

    /** Chances to cancel, or to fail, that the smallest of the models has. */
    private static final int LAYERS = 2;

    private static final int RESULTS = 5 * LAYERS;

    @TempDir
    Path folder;

    /** Something that a batch does not survive, at its n-th chance; false if it has so many chances no longer. */
    private interface Failure {
        boolean happens(ForwardPass pass, Batch batch, float[] logits, int n);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "llama",
                "gemma3",
                "gpt-oss",
                "deepseek2",
                "lfm2",
                "lfm2moe",
                "granitehybrid",
                "granitehybrid-moe",
                "qwen35",
                "qwen35moe",
                "gemma3n"
            })
    void leavesEachSequenceAsItWas(String name) throws IOException {
        Path file = folder.resolve("model.gguf");
        TinyModels.write(name, 1, file);
        try (Backend backend = Evaluation.openBackend(LoadOptions.DEFAULT.withThreads(2));
                GgufFile source = GgufFile.open(file);
                ForwardPass pass = Evaluation.compile(backend, source)) {
            float[][] expected = run(pass, (p, batch, logits, n) -> false);
            assertThat(run(pass, FailedBatchTest::isCancelled)).as("cancelled").isEqualTo(expected);
            assertThat(run(pass, FailedBatchTest::throwsInTheMiddle))
                    .as("failed")
                    .isEqualTo(expected);
            assertThat(run(pass, FailedBatchTest::meetsAClosedSequence))
                    .as("with a sequence that is closed")
                    .isEqualTo(expected);
        }
    }

    /** Batches in which the rows of sequences are mixed, each of them after all the ways in which it can fail; the logits. */
    private static float[][] run(ForwardPass pass, Failure failure) {
        float[][] all = new float[STEPS][];
        Sequence[] sequences = new Sequence[SEQUENCES];
        for (int i = 0; i < SEQUENCES; i++) {
            sequences[i] = pass.newSequence(64, KvCacheType.F32);
        }
        try {
            for (int step = 0; step < STEPS; step++) {
                Batch batch = new Batch(16);
                int rows = 2 * SEQUENCES + step;
                for (int row = 0; row < rows; row++) {
                    batch.add(sequences[row * (step + 1) % SEQUENCES], 3 + (7 * row + step) % 20, true);
                }
                int[] lengths = lengths(sequences);
                float[] logits = new float[rows * pass.outputSize()];
                for (int n = 0; failure.happens(pass, batch, logits, n); n++) {
                    assertThat(lengths(sequences)).isEqualTo(lengths);
                }
                pass.evaluate(batch, logits, () -> false);
                all[step] = logits;
            }
        } finally {
            for (Sequence sequence : sequences) {
                sequence.close();
            }
        }
        return all;
    }

    private static int[] lengths(Sequence[] sequences) {
        int[] lengths = new int[sequences.length];
        for (int i = 0; i < lengths.length; i++) {
            lengths[i] = sequences[i].length();
        }
        return lengths;
    }

    /** Said so between two layers. */
    private static boolean isCancelled(ForwardPass pass, Batch batch, float[] logits, int n) {
        if (n == LAYERS) {
            return false;
        }
        AtomicInteger asked = new AtomicInteger();
        assertThatThrownBy(() -> pass.evaluate(batch, logits, () -> asked.getAndIncrement() == n))
                .isInstanceOf(CancellationException.class);
        return true;
    }

    /** An intermediate result whose observer throws. */
    private static boolean throwsInTheMiddle(ForwardPass pass, Batch batch, float[] logits, int n) {
        if (n == RESULTS) {
            return false;
        }
        AtomicInteger seen = new AtomicInteger();
        pass.observe((name, layer, values, rows, width) -> {
            if (seen.getAndIncrement() == n) {
                throw new ArithmeticException("injected");
            }
        });
        try {
            assertThatThrownBy(() -> pass.evaluate(batch, logits, () -> false)).isInstanceOf(ArithmeticException.class);
        } finally {
            pass.observe(null);
        }
        return true;
    }

    /** The last of the sequences cannot take its rows. */
    private static boolean meetsAClosedSequence(ForwardPass pass, Batch batch, float[] logits, int n) {
        Sequence closed = pass.newSequence(8, KvCacheType.F32);
        Batch larger = new Batch(16);
        for (int row = 0; row < batch.size(); row++) {
            larger.add(batch.sequence(row), batch.token(row), true);
        }
        larger.add(closed, 5, false);
        closed.close();
        assertThatThrownBy(() -> pass.evaluate(larger, logits, () -> false))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("closed");
        return n < 1;
    }

    /** What the evaluation calls cannot evaluate with the same memory, nor free it. */
    @Test
    void whatAnEvaluationCallsCannotUseItsPass() throws IOException {
        Path file = folder.resolve("model.gguf");
        TinyModels.write("lfm2", 1, file);
        try (Backend backend = Evaluation.openBackend(LoadOptions.DEFAULT.withThreads(2));
                GgufFile source = GgufFile.open(file);
                ForwardPass pass = Evaluation.compile(backend, source);
                Sequence sequence = pass.newSequence(16, KvCacheType.F32);
                Sequence other = pass.newSequence(16, KvCacheType.F32)) {
            Batch batch = new Batch(4);
            batch.add(sequence, 7, true);
            float[] logits = new float[pass.outputSize()];
            Batch inner = new Batch(4);
            inner.add(other, 9, true);
            BooleanSupplier no = () -> false;
            Runnable[] misuses = {() -> pass.evaluate(inner, new float[pass.outputSize()], no), pass::close};
            for (Runnable misuse : misuses) {
                assertMisuse(() -> pass.evaluate(batch, logits, () -> {
                    misuse.run();
                    return false;
                }));
                pass.observe((name, layer, values, rows, width) -> misuse.run());
                assertMisuse(() -> pass.evaluate(batch, logits, no));
                pass.observe(null);
            }
            assertThat(sequence.length()).isZero();
            assertThat(other.length()).isZero();
            pass.evaluate(batch, logits, no);
            float[] again = new float[pass.outputSize()];
            Batch same = new Batch(4);
            same.add(other, 7, true);
            pass.evaluate(same, again, no);
            assertThat(again).isEqualTo(logits);
        }
    }

    private static void assertMisuse(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        assertThatThrownBy(call).isInstanceOf(IllegalStateException.class).hasMessageContaining("while it evaluates");
    }
}
