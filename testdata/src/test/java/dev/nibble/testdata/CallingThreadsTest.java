package dev.nibble.testdata;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.GenerationOptions;
import dev.nibble.KvCacheType;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.Session;
import dev.nibble.gguf.GgufFile;
import dev.nibble.spi.Backend;
import dev.nibble.spi.Batch;
import dev.nibble.spi.ForwardPass;
import dev.nibble.spi.Sequence;
import dev.nibble.tensor.DType;
import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What an evaluation works in belongs to the threads of the pool, not to the thread that calls. */
@Timeout(240)
class CallingThreadsTest {
    @TempDir
    Path folder;

    /** With the kernels that are chosen by themselves: emulated vectors would take an hour. */
    @Test
    void tenThousandThreadsGenerateWithoutMemoryOfTheirOwn() throws Exception {
        Path file = folder.resolve("model.gguf");
        TinyModels.write("llama", 1, DType.Q4_0, file);
        try (LanguageModel model = LanguageModel.load(file, LoadOptions.DEFAULT.withThreads(2))) {
            String expected = generateInThreads(model, 500); // what is only made once
            long direct = direct();
            long outside = outsideTheHeap();
            assertThat(generateInThreads(model, 10_000)).isEqualTo(expected);
            assertThat(direct()).as("bytes of direct buffers").isLessThanOrEqualTo(direct);
            assertThat(outsideTheHeap() - outside)
                    .as("bytes that the process has grown outside the heap")
                    .isLessThan(40_000_000); // compiled code and garbage of the allocator; 4 kB a thread
        }
    }

    /** A thread for each text, one after the other, and a session for a hundred of them; what all of them generate. */
    private static String generateInThreads(LanguageModel model, int threads) throws InterruptedException {
        GenerationOptions options = GenerationOptions.GREEDY.withMaxTokens(1).withIgnoreEndOfGeneration(true);
        Set<String> texts = ConcurrentHashMap.newKeySet();
        AtomicInteger done = new AtomicInteger();
        for (int i = 0; i < threads; i += 100) {
            try (Session session = model.newSession()) {
                for (int j = 0; j < 100; j++) {
                    Thread.startVirtualThread(() -> {
                                session.reset();
                                texts.add(session.generate("ab", options).text());
                                done.incrementAndGet();
                            })
                            .join();
                }
            }
        }
        assertThat(done).hasValue(threads);
        assertThat(texts).hasSize(1);
        return texts.iterator().next();
    }

    @ParameterizedTest
    @EnumSource(names = {"Q4_0", "F32", "F16", "Q6_K"})
    @Tag("kernel-family")
    void aThreadPerRequestTakesNoMemory(DType dtype) throws Exception {
        takesNoMemory(dtype, 200);
    }

    private void takesNoMemory(DType dtype, int threads) throws Exception {
        Path file = folder.resolve("model.gguf");
        TinyModels.write("llama", 1, dtype, file);
        run(file, 10); // what is only made once
        long before = direct();
        run(file, threads);
        assertThat(direct()).as("bytes outside the heap when all is closed").isLessThanOrEqualTo(before);
    }

    private static void run(Path file, int threads) throws IOException, InterruptedException {
        try (Backend backend = Evaluation.openBackend(LoadOptions.DEFAULT.withThreads(2));
                GgufFile source = GgufFile.open(file);
                ForwardPass pass = Evaluation.compile(backend, source);
                Sequence sequence = pass.newSequence(64, KvCacheType.Q8_0)) {
            float[] logits = new float[pass.outputSize()];
            evaluate(pass, sequence, logits, 12);
            float[] expected = logits.clone();
            long before = direct();
            for (int i = 0; i < threads; i++) {
                int prompt = i % 10 == 0 ? 12 : 1;
                AtomicReference<Throwable> thrown = new AtomicReference<>();
                Thread.startVirtualThread(() -> {
                            try {
                                evaluate(pass, sequence, logits, prompt);
                            } catch (Throwable t) {
                                thrown.set(t);
                            }
                        })
                        .join();
                assertThat(thrown.get()).isNull();
            }
            evaluate(pass, sequence, logits, 12);
            assertThat(logits).isEqualTo(expected);
            assertThat(direct()).as("bytes outside the heap after the threads").isLessThanOrEqualTo(before);
        }
    }

    /** A prompt, and a token. */
    private static void evaluate(ForwardPass pass, Sequence sequence, float[] logits, int prompt) {
        sequence.truncate(0);
        Batch batch = new Batch(12);
        for (int i = 0; i < prompt; i++) {
            batch.add(sequence, 3 + i, false);
        }
        pass.evaluate(batch, logits, () -> false);
        batch.clear();
        batch.add(sequence, 7, true);
        pass.evaluate(batch, logits, () -> false);
    }

    /** Bytes in memory that are not the heap's; 0 where the system does not say. */
    private static long outsideTheHeap() throws IOException {
        Path status = Path.of("/proc/self/status");
        if (!Files.exists(status)) {
            return 0;
        }
        long resident = Files.readAllLines(status).stream()
                .filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> 1024 * Long.parseLong(line.replaceAll("\\D", "")))
                .findFirst()
                .orElseThrow();
        return resident
                - ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getCommitted();
    }

    private static long direct() {
        return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                .filter(pool -> pool.getName().equals("direct"))
                .mapToLong(BufferPoolMXBean::getMemoryUsed)
                .sum();
    }
}
