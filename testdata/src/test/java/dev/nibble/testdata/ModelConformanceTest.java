package dev.nibble.testdata;

import static dev.nibble.testdata.Evaluation.evaluate;
import static dev.nibble.testdata.Evaluation.greedy;
import static dev.nibble.testdata.Evaluation.nmse;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.nibble.KvCacheType;
import dev.nibble.LoadOptions;
import dev.nibble.gguf.GgufFile;
import dev.nibble.spi.Backend;
import dev.nibble.spi.ForwardPass;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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
    private static Backend backend;
    private static Backend roundingBackend;

    @BeforeAll
    static void openBackend() {
        backend = Evaluation.openBackend();
        roundingBackend = Evaluation.openBackend(LoadOptions.DEFAULT.withThreads(2));
    }

    @AfterAll
    static void closeBackend() {
        backend.close();
        roundingBackend.close();
    }

    static Stream<Arguments> models() throws IOException {
        return models("archs", "quant-models");
    }

    static Stream<Arguments> quantizedModels() throws IOException {
        return models("quant-models");
    }

    private static Stream<Arguments> models(String... parts) throws IOException {
        if (!Conformance.isPresent()) {
            return Stream.of(Arguments.of("no data", Path.of("")));
        }
        List<Arguments> models = new ArrayList<>();
        for (String part : parts) {
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
        Reference reference = Reference.beside(file);
        try (GgufFile source = GgufFile.open(file);
                ForwardPass pass = Evaluation.compile(backend, source)) {
            float[] logits = evaluate(pass, reference.tokens(), KvCacheType.F32, reference.tokens().length);
            assertThat(reference.error(logits)).as("normalized squared error").isLessThan(limit(name));
            assertThat(reference.differences(logits))
                    .as("positions with another best token")
                    .isEmpty();
            assertThat(greedy(pass, reference.tokens(), reference.greedy().length))
                    .as("greedy continuation")
                    .isEqualTo(reference.greedy());

            float[] half = evaluate(pass, reference.tokens(), KvCacheType.F16, reference.tokens().length);
            assertThat(reference.error(half)).as("error with an F16 KV cache").isLessThan(1e5 * limit(name));
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("models")
    void chunksAndSingleTokensGiveTheSame(String name, Path file) throws IOException {
        assumeTrue(Conformance.isPresent(), Conformance.missing());
        Reference reference = Reference.beside(file);
        try (GgufFile source = GgufFile.open(file);
                ForwardPass pass = Evaluation.compile(backend, source)) {
            float[] atOnce = evaluate(pass, reference.tokens(), KvCacheType.F32, reference.tokens().length);
            for (int chunk : new int[] {1, 7, 16}) {
                float[] inChunks = evaluate(pass, reference.tokens(), KvCacheType.F32, chunk);
                assertThat(nmse(inChunks, atOnce)).as("chunks of " + chunk).isLessThan(limit(name));
            }
        }
    }

    /** The default path: activations of 8 bits, weights rearranged where their type has such a layout. */
    @ParameterizedTest(name = "{0}")
    @MethodSource("quantizedModels")
    void roundedActivationsStayNearTheReference(String name, Path file) throws IOException {
        assumeTrue(Conformance.isPresent(), Conformance.missing());
        Reference reference = Reference.beside(file);
        int count = reference.tokens().length;
        try (GgufFile source = GgufFile.open(file);
                ForwardPass pass = Evaluation.compile(roundingBackend, source)) {
            for (int chunk : new int[] {count, 1, 7}) {
                float[] logits = evaluate(pass, reference.tokens(), KvCacheType.F32, chunk);
                boolean experts = name.contains("moe") || name.contains("gpt-oss");
                assertThat(reference.error(logits))
                        .as("normalized squared error in chunks of " + chunk)
                        .isLessThan(experts ? 2e-2 : 1e-3); // one changed expert moves a row
                assertThat(reference.differences(logits))
                        .as("positions with another best token in chunks of " + chunk)
                        .hasSizeLessThanOrEqualTo(count / 10);
            }
        }
    }

    private static double limit(String name) {
        boolean chaotic = name.contains("gemma4") || name.contains("gemma3n");
        return chaotic || name.startsWith("quant-models") ? 1e-9 : 1e-10;
    }
}
