package dev.nibble.testdata;

import static dev.nibble.testdata.Evaluation.argmax;
import static dev.nibble.testdata.Evaluation.evaluate;
import static dev.nibble.testdata.Evaluation.greedy;
import static dev.nibble.testdata.Evaluation.ids;
import static dev.nibble.testdata.Evaluation.nmse;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.KvCacheType;
import dev.nibble.UnsupportedModelException;
import dev.nibble.gguf.GgufFile;
import dev.nibble.spi.Backend;
import dev.nibble.spi.ForwardPass;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Objects;
import java.util.regex.Pattern;
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
        String reference = reference(name);
        Path file = write(name);
        assertThat(reference)
                .as("the model is another than that of the reference: run make_logits.py again")
                .contains(sha256(file));
        int[] tokens = ids(reference, "tokens");
        try (GgufFile source = GgufFile.open(file);
                ForwardPass pass = Evaluation.compile(backend, source)) {
            int width = pass.outputSize();
            float[] exact = evaluate(pass, tokens, KvCacheType.F32, tokens.length);
            float[] half = evaluate(pass, tokens, KvCacheType.F16, tokens.length);
            int[] positions = Pattern.compile("\"(\\d+)\":")
                    .matcher(reference)
                    .results()
                    .mapToInt(match -> Integer.parseInt(match.group(1)))
                    .toArray();
            assertThat(positions).hasSizeGreaterThan(1);
            for (int position : positions) {
                float[] expected = floats(reference, Integer.toString(position));
                assertThat(nmse(row(exact, position, width), expected))
                        .as("normalized squared error at position " + position)
                        .isLessThan(LIMIT);
                assertThat(nmse(row(half, position, width), expected))
                        .as("error with an F16 KV cache at position " + position)
                        .isLessThan(1e5 * LIMIT);
            }
            int[] best = ids(reference, "best");
            for (int position = 0; position < tokens.length; position++) {
                assertThat(argmax(exact, position, width))
                        .as("best token at position " + position)
                        .isEqualTo(best[position]);
            }
            int[] greedy = ids(reference, "greedy");
            assertThat(greedy(pass, tokens, greedy.length)).isEqualTo(greedy);
        }
    }

    @ParameterizedTest
    @MethodSource("dev.nibble.testdata.TinyModels#names")
    void chunksAndSingleTokensGiveTheSame(String name) throws IOException {
        int[] tokens = ids(reference("llama-yarn"), "tokens");
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

    private static String reference(String name) throws IOException {
        try (InputStream in = TinyModelLogitsTest.class.getResourceAsStream("/logits/" + name + ".json")) {
            return new String(Objects.requireNonNull(in, name).readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static float[] floats(String json, String key) {
        double[] values =
                Evaluation.numbers(json, key).mapToDouble(Float::parseFloat).toArray();
        float[] floats = new float[values.length];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = (float) values[i];
        }
        return floats;
    }

    private static float[] row(float[] logits, int row, int width) {
        return Arrays.copyOfRange(logits, row * width, (row + 1) * width);
    }

    private static String sha256(Path file) throws IOException {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file));
            return HexFormat.of().formatHex(digest);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
