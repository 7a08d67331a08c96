package dev.nibble.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.KvCacheType;
import dev.nibble.LoadOptions;
import dev.nibble.OutOfMemoryException;
import dev.nibble.cpu.kernel.RandomWeights;
import dev.nibble.cpu.pool.WorkerPool;
import dev.nibble.memory.NativeMemory;
import dev.nibble.memory.SystemMemory;
import dev.nibble.model.Model;
import dev.nibble.model.ModelConfig;
import dev.nibble.model.Projection;
import dev.nibble.spi.Batch;
import dev.nibble.spi.ForwardPass;
import dev.nibble.spi.Sequence;
import dev.nibble.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A model of one matrix, of 8 MB and more, on machines of various sizes; run with kernels that copy it, and without. */
@Tag("vector-width")
class LoadPlanTest {
    private static final int VOCABULARY = 32768;
    private static final int HIDDEN = 256;

    private final Model model = model();

    @TempDir
    Path root;

    private static Model model() {
        Random random = new Random(3);
        return new Model(
                new ModelConfig("fake", VOCABULARY, 1024, HIDDEN, 0, 1, 1, 0),
                RandomWeights.matrix(DType.Q8_0, HIDDEN, VOCABULARY, random),
                null,
                java.util.List.of(),
                null,
                Projection.of(RandomWeights.matrix(DType.Q8_0, HIDDEN, VOCABULARY, random)),
                null,
                java.util.List.of());
    }

    @BeforeEach
    void files() throws IOException {
        Files.createDirectories(root.resolve("proc/self"));
    }

    private SystemMemory machineWith(long bytes) throws IOException {
        Files.writeString(root.resolve("proc/meminfo"), "MemAvailable: " + bytes / 1024 + " kB\n");
        return new SystemMemory(root);
    }

    private LoadPlan plan() throws IOException {
        try (WorkerPool pool = new WorkerPool(1)) {
            return LoadPlan.of(model, KernelFamilies.select(), LoadOptions.DEFAULT, pool, machineWith(1L << 40));
        }
    }

    @Test
    void aSketchHasTheSizesOfTheRealOne() throws IOException {
        try (CpuBackend backend = new CpuBackend(LoadOptions.DEFAULT.withThreads(1), machineWith(1L << 40));
                ForwardPass sketch = backend.sketch(model);
                ForwardPass real = backend.compile(model)) {
            assertThat(sketch.workspaceBytes()).isEqualTo(real.workspaceBytes());
            assertThat(sketch.releasedBytes()).isEqualTo(real.releasedBytes());
            assertThat(plan().besides() + plan().copies()).isGreaterThan(plan().least());
            assertThat(backend.description()).doesNotContain("without copies");
        }
        assertThat(NativeMemory.pendingBytes()).isZero();
    }

    @Test
    void withoutMemoryForCopiesItIsLoadedWithoutThem() throws IOException {
        LoadPlan plan = plan();
        try (CpuBackend backend = new CpuBackend(
                        LoadOptions.DEFAULT.withThreads(1), machineWith(plan.besides() + plan.copies() - 4096));
                ForwardPass pass = backend.compile(model)) {
            if (plan.copies() > 0) {
                assertThat(backend.description())
                        .endsWith("1 thread, without copies of weights, for which memory was short");
            }
            assertThat(NativeMemory.pendingBytes()).isZero();
            try (Sequence sequence = pass.newSequence(8, KvCacheType.F16)) {
                Batch batch = new Batch(1);
                batch.add(sequence, 5, true);
                float[] logits = new float[VOCABULARY];
                pass.evaluate(batch, logits, () -> false);
                assertThat(logits[0]).isFinite();
            }
        }
    }

    @Test
    void whatWouldNotRunAtAllIsRefused() throws IOException {
        SystemMemory small = machineWith(plan().least() - 4096);
        try (CpuBackend backend = new CpuBackend(LoadOptions.DEFAULT, small)) {
            assertThatThrownBy(() -> backend.compile(model))
                    .isInstanceOf(OutOfMemoryException.class)
                    .hasMessageStartingWith("the model: ")
                    .hasMessageContaining(" needs 8.")
                    .hasMessageContaining("(buffers ")
                    .hasMessageContaining("are left of the memory of this machine")
                    .hasMessageEndingWith("raise the limit or take a smaller model");
        }
        assertThat(NativeMemory.pendingBytes()).isZero();
    }
}
