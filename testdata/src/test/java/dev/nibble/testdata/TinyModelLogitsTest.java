package dev.nibble.testdata;

import static dev.nibble.testdata.Evaluation.evaluate;
import static dev.nibble.testdata.Evaluation.greedy;
import static dev.nibble.testdata.Evaluation.nmse;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.KvCacheType;
import dev.nibble.UnsupportedModelException;
import dev.nibble.gguf.GgufFile;
import dev.nibble.spi.Backend;
import dev.nibble.spi.ForwardPass;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Compares the logits of tiny random models with those of llama.cpp, which {@code src/test/python/make_logits.py} stored,
 * and all tiny models' ways to evaluate a text (at once, in chunks, token by token) with each other. The references of
 * other architectures are too large for the repository, see {@link ModelConformanceTest}.
 */
class TinyModelLogitsTest {
    private static final double LIMIT = 1e-10;

    private static Backend backend;

    @TempDir
    Path folder;

    @BeforeAll
    static void openBackend() {
        backend = Evaluation.openBackend();
    }

    @AfterAll
    static void closeBackend() {
        backend.close();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "llama-yarn",
                "granitemoe",
                "granitehybrid",
                "granitehybrid-moe",
                "lfm2moe",
                "glm4moe",
                "glm4moe-vision",
                "deepseek",
                "deepseek2",
                "deepseek2-lite",
                "deepseek2-fused",
                "deepseek2-dense"
            })
    void logitsMatchLlamaCpp(String name) throws IOException {
        Reference reference = Reference.ofTinyModel(name);
        int[] tokens = reference.tokens();
        Path file = folder.resolve(name + ".gguf");
        reference.writeTinyModel(name, file);
        try (GgufFile source = GgufFile.open(file);
                ForwardPass pass = Evaluation.compile(backend, source)) {
            float[] exact = evaluate(pass, tokens, KvCacheType.F32, tokens.length);
            assertThat(reference.error(exact)).as("normalized squared error").isLessThan(LIMIT);
            assertThat(reference.differences(exact))
                    .as("positions with another best token")
                    .isEmpty();
            assertThat(greedy(pass, tokens, reference.greedy().length)).isEqualTo(reference.greedy());
            float[] half = evaluate(pass, tokens, KvCacheType.F16, tokens.length);
            assertThat(reference.error(half)).as("error with an F16 KV cache").isLessThan(1e5 * LIMIT);
        }
    }

    @ParameterizedTest
    @MethodSource("dev.nibble.testdata.TinyModels#names")
    void chunksAndSingleTokensGiveTheSame(String name) throws IOException {
        int[] tokens = Reference.ofTinyModel("llama-yarn").tokens();
        // a little noise grows in the four streams of gemma3n, and where a close choice of experts falls otherwise
        double limit = name.startsWith("gemma3n") || name.startsWith("gemma4") ? 1e-9 : LIMIT;
        try (GgufFile source = GgufFile.open(write(name));
                ForwardPass pass = Evaluation.compile(backend, source)) {
            float[] atOnce = evaluate(pass, tokens, KvCacheType.F32, tokens.length);
            for (int chunk : new int[] {1, 7, 16}) {
                assertThat(nmse(evaluate(pass, tokens, KvCacheType.F32, chunk), atOnce))
                        .as("chunks of " + chunk)
                        .isLessThan(limit);
            }
        }
    }

    @Test
    void aKvCacheWhoseBlocksHeadsDoNotFillIsRefused() throws IOException {
        try (GgufFile source = GgufFile.open(write("lfm2"));
                ForwardPass pass = Evaluation.compile(backend, source)) {
            assertThatThrownBy(() -> pass.newSequence(16, KvCacheType.Q8_0))
                    .isInstanceOf(UnsupportedModelException.class)
                    .hasMessageContaining("keys or values of 24 elements do not fill; choose F16");
        }
    }

    private Path write(String name) throws IOException {
        Path file = folder.resolve(name + ".gguf");
        TinyModels.write(name, 1, file);
        return file;
    }
}
