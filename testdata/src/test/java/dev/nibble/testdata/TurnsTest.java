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
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Threads that generate with one model take turns, token by token. */
@Timeout(60)
class TurnsTest {
    private static final int ROUNDS = 100;

    @TempDir
    Path folder;

    /** Each evaluation waits until the other thread stands in line; that one has to come before the next. */
    @Test
    void anEvaluationThatWaitsIsNotOvertaken() throws Exception {
        Path file = folder.resolve("llama.gguf");
        TinyModels.write("llama", 1, file);
        try (Backend backend = Evaluation.openBackend(LoadOptions.EXACT.withThreads(2));
                GgufFile source = GgufFile.open(file);
                ForwardPass pass = Evaluation.compile(backend, source)) {
            AtomicInteger tokens = new AtomicInteger();
            AtomicBoolean done = new AtomicBoolean();
            Thread other = new Thread(() -> {
                while (!done.get()) {
                    evaluateToken(pass);
                    tokens.incrementAndGet();
                }
            });
            other.start();
            AtomicInteger seen = new AtomicInteger(-1);
            AtomicBoolean first = new AtomicBoolean();
            Thread main = Thread.currentThread();
            pass.observe((name, layer, values, rows, width) -> {
                if (Thread.currentThread() == main && first.getAndSet(false)) {
                    while (other.isAlive() && !waits(other)) {
                        Thread.onSpinWait();
                    }
                    assertThat(tokens.get()).isGreaterThan(seen.getAndSet(tokens.get()));
                }
            });
            for (int round = 0; round < ROUNDS; round++) {
                first.set(true);
                evaluateToken(pass);
            }
            done.set(true);
            other.join();
        }
    }

    private static boolean waits(Thread thread) {
        return switch (thread.getState()) {
            case WAITING, TIMED_WAITING -> true;
            default -> false;
        };
    }

    private static void evaluateToken(ForwardPass pass) {
        try (Sequence sequence = pass.newSequence(1, KvCacheType.F32)) {
            Batch batch = new Batch(1);
            batch.add(sequence, 7, true);
            pass.evaluate(batch, new float[pass.outputSize()], () -> false);
        }
    }
}
