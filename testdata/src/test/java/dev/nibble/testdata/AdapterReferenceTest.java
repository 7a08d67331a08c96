package dev.nibble.testdata;

import static dev.nibble.testdata.Evaluation.nmse;
import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.ActivationType;
import dev.nibble.AdapterFile;
import dev.nibble.KvCacheType;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.Session;
import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.stream.IntStream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Two adapters with scales of their own beside a tiny model, one over all matrices, its experts too, one over attention:
 * the logits are those of llama.cpp, which gave the stored ones (llama-cpp-python 0.3.36, {@code llama_set_adapters_lora},
 * F32 cache).
 */
class AdapterReferenceTest {
    private static final int[] TOKENS =
            IntStream.range(0, 16).map(i -> 32 + (i * 37 + 5) % 90).toArray();

    @TempDir
    Path folder;

    private static Path stored(String name) {
        URL url = Objects.requireNonNull(AdapterReferenceTest.class.getResource("/adapters/" + name), name);
        try {
            return Path.of(url.toURI());
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }

    private static float[] reference(String name) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(stored(name))).order(ByteOrder.LITTLE_ENDIAN);
        float[] values = new float[bytes.remaining() / Float.BYTES];
        bytes.asFloatBuffer().get(values);
        return values;
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama", "granitemoe"})
    void logitsMatchLlamaCpp(String name) throws IOException {
        Path file = folder.resolve(name + ".gguf");
        TinyModels.write(name, 1, file);
        float[] expected = reference(name + ".logits.f32");
        LoadOptions exact =
                LoadOptions.DEFAULT.withActivations(ActivationType.F32).withKvCacheType(KvCacheType.F32);
        try (LanguageModel model = LanguageModel.load(
                        file,
                        exact.withAdapter(AdapterFile.of(stored(name + "-all.gguf"))
                                        .withScale(0.75f))
                                .withAdapter(AdapterFile.of(stored(name + "-attention.gguf"))
                                        .withScale(1.5f)));
                Session session = model.newSession()) {
            assertThat(nmse(session.evaluate(TOKENS, true), expected)).isLessThan(1e-10);
        }
        try (LanguageModel alone = LanguageModel.load(file, exact);
                Session session = alone.newSession()) {
            assertThat(nmse(session.evaluate(TOKENS, true), expected))
                    .as("without adapters")
                    .isGreaterThan(0.01);
        }
    }
}
