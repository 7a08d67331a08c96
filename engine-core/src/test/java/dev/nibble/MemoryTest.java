package dev.nibble;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.memory.SystemMemory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The memory plan, and what is said when memory does not suffice. */
class MemoryTest {
    private static final SessionOptions LONG = SessionOptions.DEFAULT.withContextLength(8192);

    private final FakeModel fake = new FakeModel();

    @TempDir
    Path root;

    /** A machine with 4 MiB, and a KV cache of 1 KiB a token. */
    @BeforeEach
    void smallMachine() throws IOException {
        Files.createDirectories(root.resolve("proc"));
        Files.writeString(root.resolve("proc/meminfo"), "MemAvailable: 4096 kB\nSwapFree: 0 kB\n");
        fake.memory = new SystemMemory(root);
        fake.pass.bytesPerToken = 1024;
    }

    @Test
    void thePlanCountsEverything() {
        LanguageModel model = fake.open();
        MemoryPlan plan = model.memoryPlan(1000);
        assertThat(plan.contextLength()).isEqualTo(1000);
        assertThat(plan.kvCache()).isEqualTo(1000 * 1024);
        assertThat(plan.workspace()).isEqualTo(5000);
        assertThat(plan.total()).isEqualTo(plan.weights() + 5000 + 1000 * 1024 + plan.runtime());
        assertThat(plan.runtime())
                .as("the heap, where the system does not say more")
                .isPositive();
        assertThat(plan.available()).hasValue(4096 * 1024);
        assertThat(model.memoryPlan().contextLength()).isEqualTo(200);
        assertThatThrownBy(() -> model.memoryPlan(-1)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aContextThatWasAskedForMustFit() {
        LanguageModel model = fake.open();
        assertThatThrownBy(() -> model.newSession(LONG))
                .isInstanceOf(OutOfMemoryException.class)
                .hasMessage("the KV cache of a context of 8192 tokens needs 8.39 MB, but only 4.19 MB are left of"
                        + " the memory of this machine; a context of 4096 tokens would fit")
                .satisfies(e ->
                        assertThat(((OutOfMemoryException) e).fittingContext()).hasValue(4096));
        assertThat(model.newSession(LONG.withContextLength(4096)).contextLength())
                .isEqualTo(4096);
    }

    @Test
    void theModelsOwnContextMayGrowUntilMemoryEnds() {
        fake.contextLength = 8192;
        Session session = fake.open().newSession();
        assertThat(session.contextLength()).isEqualTo(8192);
        session.stream("x".repeat(1000));
        assertThatThrownBy(() -> session.stream("x".repeat(5000)))
                .isInstanceOf(OutOfMemoryException.class)
                .hasMessageStartingWith("the KV cache of 5001 more tokens needs 5.12 MB, but only 4.19 MB are left");
        assertThatThrownBy(() -> session.evaluate(new int[5000], false)).isInstanceOf(OutOfMemoryException.class);
        assertThat(session.length()).isZero();
        assertThat(fake.pass.evaluatedRows).hasValue(0);
    }

    @Test
    void whereMemoryIsReservedAtLoadNoContextIsLarger() {
        fake.pass.maxContextLength = 128;
        LanguageModel model = fake.open();
        assertThat(model.newSession().contextLength()).as("of 200").isEqualTo(128);
        assertThat(model.memoryPlan().contextLength()).isEqualTo(128);
        assertThatThrownBy(() -> model.newSession(SessionOptions.DEFAULT.withContextLength(129)))
                .isInstanceOf(OutOfMemoryException.class)
                .hasMessage("a context of 129 tokens was asked for, but memory was reserved for 128 when the model was"
                        + " loaded; load it with a context of 129 (LoadOptions.withContextLength, --ctx)");
    }

    @Test
    void anAllocationThatFailsIsANamedException() {
        fake.pass.outOfMemory = true;
        LanguageModel model = fake.open();
        assertThatThrownBy(model::newSession)
                .isInstanceOf(OutOfMemoryException.class)
                .hasMessageContaining("a session of 200 tokens needs up to 205 kB")
                .hasMessageContaining("Cannot reserve memory")
                .hasMessageContaining("-XX:MaxDirectMemorySize");
    }

    @Test
    void anAllocationThatFailsLaterIsANamedExceptionToo() {
        try (LanguageModel model = fake.open();
                Session session = model.newSession()) {
            fake.pass.duringEvaluation = () -> {
                throw new OutOfMemoryError("none left");
            };
            assertThatThrownBy(() -> session.evaluate(new int[3], false))
                    .isInstanceOf(OutOfMemoryException.class)
                    .hasMessageContaining("a KV cache of 3 tokens")
                    .hasMessageContaining("none left");
            fake.pass.duringEvaluation = () -> {};
            assertThat(session.length()).isZero();
            assertThat(session.evaluate(new int[3], false)).hasSize(ByteTokenizer.SIZE);
        }
    }

    /** What evaluating needs beside the cache is not there for the cache. */
    @Test
    void buffersAndTheVirtualMachineCount() throws IOException {
        fake.pass.bufferBytes = 1 << 20;
        assertThatThrownBy(() -> fake.open().newSession(LONG.withContextLength(4000)))
                .isInstanceOf(OutOfMemoryException.class)
                .hasMessageContaining("needs 4.10 MB and their evaluation 1.05 MB, but only 4.19 MB")
                .satisfies(e ->
                        assertThat(((OutOfMemoryException) e).fittingContext()).hasValue(3072));
        Files.createDirectories(root.resolve("proc/self"));
        Files.writeString(root.resolve("proc/self/status"), "RssAnon: 50000 kB\n");
        assertThatThrownBy(() -> fake.open().newSession(LONG.withContextLength(128)))
                .isInstanceOf(OutOfMemoryException.class)
                .hasMessageContaining("no context would fit");
    }

    /** The system is asked as the text grows, not only for prompts. */
    @Test
    void aGenerationEndsBeforeMemoryDoes() {
        fake.contextLength = 8192;
        fake.pass.next = tokens -> {
            if (tokens.size() == 600) {
                machineWith(200);
            }
            return 'a';
        };
        try (LanguageModel model = fake.open();
                Session session = model.newSession()) {
            assertThatThrownBy(() -> session.generate("x".repeat(500)))
                    .isInstanceOf(OutOfMemoryException.class)
                    .hasMessageStartingWith("the KV cache of 256 more tokens needs 262 kB, but only 205 kB are left");
            assertThat(session.length())
                    .as("nothing that was generated is lost")
                    .isGreaterThan(600);
        }
    }

    private void machineWith(int kibibytes) {
        try {
            Files.writeString(root.resolve("proc/meminfo"), "MemAvailable: " + kibibytes + " kB\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void aFullHeapIsNotToldAsMemoryOutsideIt() {
        try (LanguageModel model = fake.open();
                Session session = model.newSession()) {
            fake.pass.duringEvaluation = () -> {
                throw new OutOfMemoryError("Java heap space");
            };
            assertThatThrownBy(() -> session.evaluate(new int[3], false))
                    .isInstanceOf(OutOfMemoryException.class)
                    .hasMessageStartingWith("the Java heap is full: the buffers to evaluate 3 tokens need up to")
                    .hasMessageEndingWith("give the JVM a larger heap with -Xmx")
                    .hasMessageNotContaining("KV cache")
                    .satisfies(e -> assertThat(((OutOfMemoryException) e).remedies())
                            .containsExactly(OutOfMemoryException.Remedy.LARGER_HEAP));
        }
    }
}
