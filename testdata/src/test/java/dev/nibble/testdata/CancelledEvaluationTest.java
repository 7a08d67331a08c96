package dev.nibble.testdata;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.KvCacheType;
import dev.nibble.LoadOptions;
import dev.nibble.gguf.GgufFile;
import dev.nibble.spi.Backend;
import dev.nibble.spi.Batch;
import dev.nibble.spi.ForwardPass;
import dev.nibble.spi.Sequence;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** An evaluation that is given up, wherever it was, leaves its sequence as it was. */
class CancelledEvaluationTest {
    private static final int TOKENS = 24;

    @TempDir
    Path folder;

    static Set<String> names() {
        return TinyModels.names();
    }

    @ParameterizedTest
    @MethodSource("names")
    void changesNothing(String name) throws Exception {
        Path file = folder.resolve("model.gguf");
        TinyModels.write(name, 1, file);
        try (Backend backend = Evaluation.openBackend(LoadOptions.EXACT.withThreads(2));
                GgufFile source = GgufFile.open(file);
                ForwardPass pass = Evaluation.compile(backend, source);
                Sequence undisturbed = pass.newSequence(2 * TOKENS, KvCacheType.F32);
                Sequence sequence = pass.newSequence(2 * TOKENS, KvCacheType.F32)) {
            evaluate(pass, undisturbed, () -> false);
            evaluate(pass, sequence, () -> false);
            AtomicInteger questions = new AtomicInteger();
            float[] expected = evaluate(pass, undisturbed, () -> {
                questions.incrementAndGet();
                return false;
            });
            assertThat(questions.get()).isGreaterThan(TOKENS);
            // once for each token; then it depends on how many chunks are the caller's own, the first always
            int surely = TOKENS + (questions.get() - TOKENS) / 4;
            for (int last = 1; last <= surely; last += Math.max(1, surely / 20)) {
                assertCancelled(pass, sequence, last);
                assertThat(sequence.length()).isEqualTo(TOKENS);
            }
            assertThat(evaluate(pass, sequence, () -> false)).isEqualTo(expected);
        }
    }

    private static void assertCancelled(ForwardPass pass, Sequence sequence, int question) {
        AtomicInteger questions = new AtomicInteger();
        try {
            evaluate(pass, sequence, () -> questions.incrementAndGet() >= question);
        } catch (CancellationException e) {
            return;
        }
        throw new AssertionError("not cancelled at question " + question);
    }

    private static float[] evaluate(ForwardPass pass, Sequence sequence, BooleanSupplier cancelled) {
        Batch batch = new Batch(TOKENS);
        for (int i = 0; i < TOKENS; i++) {
            batch.add(sequence, 5 + i, i == TOKENS - 1);
        }
        float[] logits = new float[pass.outputSize()];
        pass.evaluate(batch, logits, cancelled);
        return logits;
    }
}
