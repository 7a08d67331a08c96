package dev.nibble.testdata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.nibble.KvCacheType;
import dev.nibble.LoadOptions;
import dev.nibble.gguf.GgufFile;
import dev.nibble.model.Architectures;
import dev.nibble.model.Model;
import dev.nibble.spi.Backend;
import dev.nibble.spi.BackendProvider;
import dev.nibble.spi.Batch;
import dev.nibble.spi.ForwardPass;
import dev.nibble.spi.Sequence;
import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Compares the logits of tiny models, one for each architecture, variant and tensor type, with those of llama.cpp, and
 * the ways to evaluate a text (at once, in chunks, token by token) with each other.
 */
class ModelConformanceTest {
    /** The context the references were made with. */
    private static final int CONTEXT = 256;

    private static Backend backend;

    @BeforeAll
    static void openBackend() {
        backend = ServiceLoader.load(BackendProvider.class).stream()
                .map(ServiceLoader.Provider::get)
                .filter(provider -> provider.name().equals("cpu"))
                .findFirst()
                .orElseThrow()
                .open(LoadOptions.EXACT);
    }

    @AfterAll
    static void closeBackend() {
        backend.close();
    }

    static Stream<Arguments> models() throws IOException {
        if (!Conformance.isPresent()) {
            return Stream.of(Arguments.of("no data", Path.of("")));
        }
        List<Arguments> models = new ArrayList<>();
        for (String part : List.of("archs", "quant-models")) {
            for (Path file : Conformance.files(part, ".gguf")) {
                models.add(Arguments.of(part + "/" + file.getFileName(), file));
            }
        }
        return models.stream();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("models")
    void logitsMatchTheReference(String name, Path file) throws IOException {
        assumeTrue(Conformance.isPresent(), Conformance.missing());
        Reference reference = Reference.of(file);
        try (GgufFile source = GgufFile.open(file);
                ForwardPass pass = backend.compile(model(source))) {
            int vocabSize = pass.outputSize();
            float[] logits = evaluate(pass, reference.tokens, KvCacheType.F32, reference.tokens.length);
            assertThat(nmse(logits, reference.logits))
                    .as("normalized squared error")
                    .isLessThan(limit(name));
            for (int row = 0; row < reference.tokens.length; row++) {
                assertThat(argmax(logits, row, vocabSize))
                        .as("best token at position " + row)
                        .isEqualTo(argmax(reference.logits, row, vocabSize));
            }
            assertThat(greedy(pass, reference)).as("greedy continuation").isEqualTo(reference.greedy);

            float[] half = evaluate(pass, reference.tokens, KvCacheType.F16, reference.tokens.length);
            assertThat(nmse(half, reference.logits))
                    .as("error with an F16 KV cache")
                    .isLessThan(1e5 * limit(name));
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("models")
    void chunksAndSingleTokensGiveTheSame(String name, Path file) throws IOException {
        assumeTrue(Conformance.isPresent(), Conformance.missing());
        Reference reference = Reference.of(file);
        try (GgufFile source = GgufFile.open(file);
                ForwardPass pass = backend.compile(model(source))) {
            float[] atOnce = evaluate(pass, reference.tokens, KvCacheType.F32, reference.tokens.length);
            for (int chunk : new int[] {1, 7, 16}) {
                float[] inChunks = evaluate(pass, reference.tokens, KvCacheType.F32, chunk);
                assertThat(nmse(inChunks, atOnce)).as("chunks of " + chunk).isLessThan(limit(name));
            }
        }
    }

    private static double limit(String name) {
        boolean chaotic = name.contains("gemma4") || name.contains("gemma3n");
        return chaotic || name.startsWith("quant-models") ? 1e-9 : 1e-10;
    }

    private static Model model(GgufFile source) {
        return Architectures.read(source, CONTEXT);
    }

    private static float[] evaluate(ForwardPass pass, int[] tokens, KvCacheType type, int chunk) {
        int width = pass.outputSize();
        float[] logits = new float[tokens.length * width];
        try (Sequence sequence = pass.newSequence(CONTEXT, type)) {
            Batch batch = new Batch(chunk);
            for (int from = 0; from < tokens.length; from += chunk) {
                int to = Math.min(tokens.length, from + chunk);
                batch.clear();
                for (int i = from; i < to; i++) {
                    batch.add(sequence, tokens[i], true);
                }
                float[] part = new float[(to - from) * width];
                pass.evaluate(batch, part, () -> false);
                System.arraycopy(part, 0, logits, from * width, part.length);
            }
        }
        return logits;
    }

    private static int[] greedy(ForwardPass pass, Reference reference) {
        int[] ids = new int[reference.greedy.length];
        float[] logits = new float[pass.outputSize()];
        try (Sequence sequence = pass.newSequence(CONTEXT, KvCacheType.F32)) {
            Batch batch = new Batch(reference.tokens.length);
            for (int i = 0; i < reference.tokens.length; i++) {
                batch.add(sequence, reference.tokens[i], i == reference.tokens.length - 1);
            }
            for (int i = 0; i < ids.length; i++) {
                pass.evaluate(batch, logits, () -> false);
                ids[i] = argmax(logits, 0, logits.length);
                batch.clear();
                batch.add(sequence, ids[i], true);
            }
        }
        return ids;
    }

    private static int argmax(float[] logits, int row, int width) {
        int best = 0;
        for (int i = 1; i < width; i++) {
            if (logits[row * width + i] > logits[row * width + best]) {
                best = i;
            }
        }
        return best;
    }

    private static double nmse(float[] actual, float[] expected) {
        assertThat(actual).hasSameSizeAs(expected);
        double error = 0;
        double power = 0;
        for (int i = 0; i < expected.length; i++) {
            double difference = (double) actual[i] - expected[i];
            error += difference * difference;
            power += (double) expected[i] * expected[i];
        }
        return error / power;
    }

    /** The tokens, greedy continuation and logits that stand beside a model file. */
    private record Reference(int[] tokens, int[] greedy, float[] logits) {

        static Reference of(Path model) throws IOException {
            String name = model.getFileName().toString().replaceFirst("\\.gguf$", "");
            String json = Files.readString(model.resolveSibling(name + ".json"));
            Path logits = model.resolveSibling(name + ".logits.f32");
            return new Reference(ids(json, "tokens"), ids(json, "greedy"), floats(logits));
        }

        private static int[] ids(String json, String key) {
            Matcher matcher = Pattern.compile("\"" + key + "\":\\s*\\[([^]]*)]").matcher(json);
            assertThat(matcher.find()).as(key).isTrue();
            return Stream.of(matcher.group(1).split(","))
                    .mapToInt(id -> Integer.parseInt(id.trim()))
                    .toArray();
        }

        private static float[] floats(Path file) throws IOException {
            try (FileChannel channel = FileChannel.open(file)) {
                FloatBuffer buffer = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size())
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .asFloatBuffer();
                float[] values = new float[buffer.remaining()];
                buffer.get(values);
                return values;
            }
        }
    }
}
