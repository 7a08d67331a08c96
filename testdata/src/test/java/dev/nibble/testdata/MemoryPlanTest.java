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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("kernel-family")
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
            MemoryPlan withCopies = copied.memoryPlan();
            MemoryPlan without = mapped.memoryPlan();
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

    /** What is said of a file is what a load takes. */
    @ParameterizedTest
    @ValueSource(strings = {"llama", "gemma3", "qwen3moe", "deepseek2"})
    void isTheSameBeforeTheLoad(String architecture) throws IOException {
        for (DType type : new DType[] {DType.Q8_0, DType.Q4_0, DType.F16, DType.F32}) {
            Path file = folder.resolve(architecture + type + ".gguf");
            TinyModels.write(architecture, 1, type, file);
            for (boolean repack : new boolean[] {true, false}) {
                LoadOptions options = LoadOptions.DEFAULT.withRepack(repack).withThreads(1);
                MemoryPlan before = LanguageModel.memoryPlan(file, options.withContextLength(32));
                try (LanguageModel model = LanguageModel.load(file, options)) {
                    MemoryPlan loaded = model.memoryPlan(32);
                    String what = architecture + " " + type + ", copies: " + repack;
                    assertThat(before.weights()).as(what).isEqualTo(loaded.weights());
                    assertThat(before.workspace()).as(what).isEqualTo(loaded.workspace());
                    assertThat(before.kvCache()).as(what).isEqualTo(loaded.kvCache());
                    assertThat(before.contextLength()).as(what).isEqualTo(32);
                }
            }
        }
    }
}
