package dev.nibble.tornado;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.KvCacheType;
import dev.nibble.OutOfMemoryException;
import dev.nibble.gguf.GgufFile;
import dev.nibble.model.Architectures;
import dev.nibble.model.Model;
import dev.nibble.spi.Batch;
import dev.nibble.spi.ForwardPass;
import dev.nibble.spi.Sequence;
import dev.nibble.tensor.DType;
import dev.nibble.testdata.TinyModels;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** All sessions share the KV cache on the device: what happens when it is full. */
class SharedCacheTest {
    private static final int ROWS = 8;

    @TempDir
    Path folder;

    private static float[] evaluate(ForwardPass pass, Sequence sequence, int tokens) {
        float[] logits = new float[pass.outputSize()];
        for (int done = 0; done < tokens; done += ROWS) {
            Batch batch = new Batch(ROWS);
            for (int i = done; i < Math.min(tokens, done + ROWS); i++) {
                batch.add(sequence, 3 + sequence.length() + i - done, i == tokens - 1);
            }
            pass.evaluate(batch, logits, () -> false);
        }
        return logits;
    }

    @Test
    void aFullCacheStopsOneSessionAndHarmsNone() throws IOException {
        Path file = folder.resolve("llama.gguf");
        TinyModels.write("llama", 1, DType.F32, file);
        try (GgufFile gguf = GgufFile.open(file)) {
            Model model = Architectures.read(gguf, ModelOnDevice.CONTEXT);
            try (ForwardPass pass =
                            TornadoForwardPass.compile(model, new EmulatedDevice(), ModelOnDevice.OPTIONS, ROWS);
                    Sequence first = pass.newSequence(ModelOnDevice.CONTEXT, KvCacheType.F16)) {
                fill(pass, first);
                evaluate(pass, first, 64);
                assertThat(first.length()).as("what the other had").isEqualTo(128);
            }
        }
    }

    private static void fill(ForwardPass pass, Sequence first) {
        try (Sequence second = pass.newSequence(ModelOnDevice.CONTEXT, KvCacheType.F16)) {
            assertThat(pass.maxContextLength()).isEqualTo(128);
            float[] expected = evaluate(pass, second, 20);
            second.truncate(0);
            evaluate(pass, first, 72);

            assertThatThrownBy(() -> evaluate(pass, second, 20))
                    .isInstanceOf(OutOfMemoryException.class)
                    .hasMessage("the KV cache on the device holds 128 tokens of all sessions together, 0 are free"
                            + " and 64 more are needed for a sequence of 8; close other sessions, or load the model"
                            + " with a larger context (LoadOptions.withContextLength, --ctx)");
            assertThat(second.length()).isZero();
            assertThat(evaluate(pass, first, 8)).as("the other goes on").isNotNull();
            assertThat(first.length()).isEqualTo(80);

            assertThat(first.truncate(64)).isTrue();
            assertThat(evaluate(pass, second, 20)).isEqualTo(expected);
        }
    }
}
