package dev.nibble.tornado;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.KvCacheType;
import dev.nibble.LoadOptions;
import dev.nibble.OutOfMemoryException;
import dev.nibble.gguf.GgufFile;
import dev.nibble.model.Architectures;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.Model;
import dev.nibble.spi.ForwardPass;
import dev.nibble.tensor.DType;
import dev.nibble.testdata.TinyModels;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OffloadPlanTest {
    private static final LoadOptions OPTIONS = LoadOptions.DEFAULT.withContextLength(100);

    @TempDir
    Path folder;

    private GgufFile write() throws IOException {
        Path file = folder.resolve("llama.gguf");
        TinyModels.write("llama", 1, DType.F32, file); // 3 layers
        return GgufFile.open(file);
    }

    @Test
    void countsWeightsThatAreConvertedOnTheHostToo() throws IOException {
        Path file = folder.resolve("bf16.gguf");
        TinyModels.write("llama", 1, DType.BF16, file);
        try (GgufFile gguf = GgufFile.open(file)) {
            Model model = Architectures.read(gguf, 100);
            try (TornadoForwardPass pass = TornadoForwardPass.compile(model, new EmulatedDevice(), OPTIONS, 8)) {
                long weights = WeightStore.of(model, 3, new EmulatedDevice()).bytes();
                OffloadPlan plan = plan(model, OPTIONS, Long.MAX_VALUE);
                assertThat(plan.hostBytes()).isEqualTo(plan.bytes());
                assertThat(pass.workspaceBytes()).isGreaterThan(weights);
                assertThat(pass.offload())
                        .endsWith("; converted to F16: BF16; weights copied on the host: "
                                + OffloadPlan.mebibytes(weights));
            }
        }
        try (GgufFile gguf = write()) {
            Model model = Architectures.read(gguf, 100);
            try (TornadoForwardPass pass = TornadoForwardPass.compile(model, new EmulatedDevice(), OPTIONS, 8)) {
                assertThat(pass.offload()).endsWith(", KV cache for 128 tokens");
            }
        }
    }

    private static OffloadPlan plan(Model model, LoadOptions options, long memory) {
        return OffloadPlan.of(model, options, new EmulatedDevice(memory, 1 << 30, 1 << 30), 8);
    }

    @Test
    void takesAsManyLayersAsFitAndSaysHowManyThatAre() throws IOException {
        try (GgufFile gguf = write()) {
            Model model = Architectures.read(gguf, 100);
            OffloadPlan all = plan(model, OPTIONS, Long.MAX_VALUE);
            assertThat(all.layers()).isEqualTo(3);
            assertThat(all.slots()).as("whole pages").isEqualTo(128);
            assertThat(plan(model, OPTIONS, all.bytes()).layers()).isEqualTo(3);
            assertThat(plan(model, OPTIONS, all.bytes() - 1).layers()).isEqualTo(2);
            OffloadPlan two = plan(model, OPTIONS.withGpuLayers(2), Long.MAX_VALUE);
            assertThat(two.layers()).isEqualTo(2);
            assertThat(two.bytes()).isLessThan(all.bytes());
            assertThat(plan(model, OPTIONS, two.bytes()).layers()).isEqualTo(2);
            assertThat(two.describe()).startsWith("2 of 3 layers on the device, ");
        }
    }

    @Test
    void countsWeightsAndTheCacheOfAllSessionsOnTheDeviceAndWhatIsCopiedOnTheHost() throws IOException {
        try (GgufFile gguf = write()) {
            Model model = Architectures.read(gguf, 100);
            AttentionConfig attention = Support.attention(model.blocks().getFirst());
            long token = 3L * Short.BYTES * attention.kvHeadCount() * (attention.headDim() + attention.valueDim());
            LoadOptions larger = OPTIONS.withContextLength(300); // 320 slots instead of 128
            long onDevice = plan(model, larger, Long.MAX_VALUE).bytes()
                    - plan(model, OPTIONS, Long.MAX_VALUE).bytes();
            assertThat(onDevice).isBetween(192 * token, 193 * token);
            EmulatedDevice device = new EmulatedDevice();
            try (ForwardPass small = TornadoForwardPass.compile(model, device, OPTIONS, 8);
                    ForwardPass large = TornadoForwardPass.compile(model, device, larger, 8)) {
                assertThat(large.workspaceBytes() - small.workspaceBytes()).isBetween(192 * token, 193 * token);
                long weights = gguf.tensors().stream()
                        .filter(tensor -> tensor.shape().rank() == 2)
                        .mapToLong(WeightStore::deviceBytes)
                        .sum();
                OffloadPlan plan = plan(model, OPTIONS, Long.MAX_VALUE);
                assertThat(plan.bytes()).isGreaterThan(weights + 128 * token);
                assertThat(plan.hostBytes())
                        .as("mapped, with the norms between")
                        .isBetween(128 * token, plan.bytes() - weights);
                assertThat(small.workspaceBytes()).isBetween(128 * token, plan.bytes() - weights);
                assertThat(large.maxContextLength()).isEqualTo(320);
                assertThat(large.sequenceBytes(300, KvCacheType.F16)).isZero();
            }
        }
    }

    @Test
    void namesTheHostWhereItsCopyDoesNotFit() throws IOException {
        Device full = new Device() {
            @Override
            public String description() {
                return "device of a full host";
            }

            @Override
            public long memory() {
                return 1L << 40;
            }

            @Override
            public long maxArrayBytes() {
                return 1 << 30;
            }

            @Override
            public Program prepare(
                    List<Object> constants, List<Object> buffers, List<Graph> graphs, List<Object> passedOn) {
                throw new OutOfMemoryError("Cannot reserve 5 bytes");
            }
        };
        try (GgufFile gguf = write()) {
            Model model = Architectures.read(gguf, 100);
            assertThatThrownBy(() -> TornadoForwardPass.compile(model, full, OPTIONS))
                    .isInstanceOf(OutOfMemoryException.class)
                    .hasMessageMatching(
                            "TornadoVM keeps what is on the device on the host as well, save weights mapped from"
                                    + " the file, \\d+ MiB, and could not allocate that \\(Cannot reserve 5 bytes\\); -XX:MaxDirectMemorySize limits .*");
        }
    }

    @Test
    void whatWasAskedForAndDoesNotFitIsAnErrorWithNumbers() throws IOException {
        try (GgufFile gguf = write()) {
            Model model = Architectures.read(gguf, 100);
            long two = plan(model, OPTIONS.withGpuLayers(2), Long.MAX_VALUE).bytes();
            assertThatThrownBy(() -> plan(model, OPTIONS.withGpuLayers(3), two))
                    .isInstanceOf(OutOfMemoryException.class)
                    .hasMessageStartingWith("3 layers take 2 MiB with a KV cache of 128 tokens, but emulated device")
                    .hasMessageContaining("; 2 layers would fit (gpuLayers)");
            assertThatThrownBy(() -> plan(model, OPTIONS, 1000))
                    .isInstanceOf(OutOfMemoryException.class)
                    .hasMessageContaining("the output and the buffers of this model alone take 1 MiB");
        }
    }

    @Test
    void aFullCacheOnTheDeviceIsAnErrorWithNumbers() {
        KvPages pages = new KvPages(2);
        int[] first = pages.reserve(new int[0], 65);
        assertThat(first).hasSize(2).doesNotHaveDuplicates();
        assertThat(pages.reserve(first, 128)).isSameAs(first);
        assertThatThrownBy(() -> pages.reserve(first, 129))
                .isInstanceOf(OutOfMemoryException.class)
                .hasMessageContaining("holds 128 tokens of all sessions together, 0 are free and 64 more are needed");
        int[] kept = pages.trim(first, 64);
        assertThat(kept).containsExactly(first[0]);
        assertThat(pages.reserve(new int[0], 1)).containsExactly(first[1]);
        assertThat(pages.trim(kept, 1)).isSameAs(kept);
        pages.release(kept);
        assertThat(pages.reserve(new int[0], 1)).hasSize(1);
    }
}
