package dev.nibble.testdata;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.KvCacheType;
import dev.nibble.LoadOptions;
import dev.nibble.gguf.GgufFile;
import dev.nibble.model.Architectures;
import dev.nibble.model.Model;
import dev.nibble.model.Model.Pooling;
import dev.nibble.model.ModelConfig;
import dev.nibble.spi.Backend;
import dev.nibble.spi.Batch;
import dev.nibble.spi.ForwardPass;
import dev.nibble.spi.Sequence;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Models that attend in both directions evaluate a text of any length at once. */
@Timeout(120)
class LargeBatchTest {
    private static final int CONTEXT = 16 << 10;

    @Test
    void theWorkspaceIsPlannedForTheLargestBatchAndGivenBackAfterIt() throws IOException {
        try (Backend backend = Evaluation.openBackend(LoadOptions.DEFAULT.withThreads(2));
                GgufFile source = GgufFile.open(EmbeddingModelTest.file("qwen3-bidirectional"))) {
            long planned;
            try (ForwardPass pass = backend.compile(model(source, CONTEXT), source)) {
                assertThat(pass.maxBatchRows()).isEqualTo(CONTEXT);
                evaluate(pass, 16);
                long before = usedHeap();
                evaluate(pass, 4096); // quick, and still large
                assertThat(usedHeap() - before)
                        .as("bytes of the heap that are kept")
                        .isLessThan(pass.workspaceBytes() / 16);
                planned = pass.workspaceBytes();
            }
            try (ForwardPass pass = backend.compile(model(source, CONTEXT / 2), source)) {
                long weights = 2 * pass.workspaceBytes() - planned; // of the plan, what is not for rows
                assertThat(weights).isNotNegative();
                assertThat(planned - weights).as("in proportion to the rows").isGreaterThan(CONTEXT * 64L);
            }
        }
    }

    private static Model model(GgufFile source, int contextLength) {
        Model model = Architectures.read(source, 256).withPooling(Pooling.MEAN);
        ModelConfig config = model.config();
        return new Model(
                new ModelConfig(
                        config.architecture(),
                        config.vocabSize(),
                        contextLength,
                        config.hiddenSize(),
                        config.layerCount(),
                        config.embeddingScale(),
                        config.logitScale(),
                        config.logitSoftcap()),
                model.tokenEmbedding(),
                model.embeddingInput(),
                model.blocks(),
                model.outputNorm(),
                null,
                Pooling.MEAN,
                model.embeddingLayers());
    }

    private static void evaluate(ForwardPass pass, int tokens) {
        try (Sequence sequence = pass.newSequence(tokens, KvCacheType.F32)) {
            Batch batch = new Batch(tokens);
            for (int i = 0; i < tokens; i++) {
                batch.add(sequence, 3 + i % 20, i == 0);
            }
            pass.evaluate(batch, new float[pass.outputSize()], () -> false);
        }
    }

    private static long usedHeap() {
        for (int i = 0; i < 3; i++) {
            System.gc();
        }
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }
}
