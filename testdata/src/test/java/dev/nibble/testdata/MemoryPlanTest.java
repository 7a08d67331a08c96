package dev.nibble.testdata;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.MemoryPlan;
import dev.nibble.tensor.DType;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("kernel-path")
class MemoryPlanTest {
    @TempDir
    Path folder;

    @BeforeAll
    static void needsKernels() {
        Evaluation.assumeKernels();
    }

    /** Weights that were copied are not counted twice where the file's pages can be given back. */
    @Test
    void countsTheWeightsOrTheirCopies() throws IOException {
        Path file = folder.resolve("model.gguf");
        TinyModels.write("llama", 1, DType.Q8_0, file);
        try (LanguageModel copied = LanguageModel.load(file);
                LanguageModel mapped = LanguageModel.load(file, LoadOptions.DEFAULT.withRepack(false))) {
            MemoryPlan withCopies = copied.memoryPlan(0);
            MemoryPlan without = mapped.memoryPlan(0);
            boolean isGivenBack = LanguageModel.class.getModule().isNativeAccessEnabled()
                    && System.getProperty("os.name").equals("Linux")
                    && withCopies.workspace() > without.workspace();
            if (isGivenBack) {
                assertThat(withCopies.weights()).isLessThan(without.weights());
            } else {
                assertThat(withCopies.weights()).isEqualTo(without.weights());
            }
            assertThat(withCopies.kvCache()).isEqualTo(without.kvCache());
        }
    }
}
