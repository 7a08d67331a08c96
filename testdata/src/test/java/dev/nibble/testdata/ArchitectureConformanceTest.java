package dev.nibble.testdata;

import static dev.nibble.testdata.Evaluation.evaluate;
import static dev.nibble.testdata.Evaluation.evaluateContinued;
import static dev.nibble.testdata.Evaluation.evaluateMixed;
import static dev.nibble.testdata.Evaluation.greedy;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.nibble.KvCacheType;
import dev.nibble.NibbleException;
import dev.nibble.gguf.GgufFile;
import dev.nibble.spi.Backend;
import dev.nibble.spi.ForwardPass;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Compares the logits of tiny models, one or more for every architecture that llama.cpp opens, with those of llama.cpp: at
 * once, in chunks, in batches mixed of two sequences, by sequences that share or restore what another
 * holds, and by greedy choice. What does not run yet stands in the list {@code
 * architectures-missing.txt} with the reason; a model that is listed and passes is a failure, so that the list only shrinks.
 */
class ArchitectureConformanceTest {
    private static final List<Integer> CHUNKS = List.of(1, 7, 16);

    /** Tokens of the text before another sequence goes on. */
    private static final int SHARED = 21;

    private static Backend backend;

    @BeforeAll
    static void openBackend() {
        backend = Evaluation.openBackend();
    }

    @AfterAll
    static void closeBackend() {
        backend.close();
    }

    static Stream<String> models() throws IOException {
        return models("logits");
    }

    static Stream<String> encoderDecoders() throws IOException {
        return models("encdec");
    }

    static Stream<String> bidirectional() throws IOException {
        return models("bidir");
    }

    private static Stream<String> models(String kind) throws IOException {
        return Conformance.isPresent()
                ? ReferenceModel.all()
                        .filter(model -> model.kind().equals(kind))
                        .map(ReferenceModel::name)
                : Stream.of("no data");
    }

    @ParameterizedTest
    @MethodSource("models")
    void logitsMatchTheReference(String name) throws IOException {
        assumeTrue(Conformance.isPresent(), Conformance.missing());
        ReferenceModel model = ReferenceModel.of(name);
        String reason = ReferenceModel.missing().get(name);
        if (reason == null) {
            check(model);
            return;
        }
        assertThat(catchThrowable(() -> check(model)))
                .as(name + " is listed as missing (" + reason + ") and passes: take it from the list")
                .isInstanceOfAny(AssertionError.class, NibbleException.class, IllegalArgumentException.class);
    }

    private static void check(ReferenceModel model) throws IOException {
        try (GgufFile source = GgufFile.open(model.file());
                ForwardPass pass = Evaluation.compile(backend, source)) {
            check(model, pass);
        }
    }

    private static void check(ReferenceModel model, ForwardPass pass) throws IOException {
        Reference reference = Reference.beside(model.file());
        int[] tokens = reference.tokens();
        compare("at once", model, reference, evaluate(pass, tokens, KvCacheType.F32, tokens.length));
        for (int chunk : CHUNKS) {
            compare("in chunks of " + chunk, model, reference, evaluate(pass, tokens, KvCacheType.F32, chunk));
        }
        float[][] mixed = evaluateMixed(pass, tokens, 7, 3);
        compare("in mixed batches, the first sequence", model, reference, mixed[0]);
        compare("in mixed batches, the second sequence", model, reference, mixed[1]);
        compare(
                "by a sequence that shares",
                model,
                reference,
                evaluateContinued(pass, tokens, SHARED, Evaluation.Continuation::sharing));
        compare(
                "by a restored sequence",
                model,
                reference,
                evaluateContinued(pass, tokens, SHARED, Evaluation.Continuation::restoring));
        assertThat(greedy(pass, tokens, reference.greedy().length))
                .as("greedy continuation")
                .isEqualTo(reference.greedy());
    }

    /** What a decoder answers to a source, by sequences that read it themselves, share it, or are restored with it. */
    @ParameterizedTest
    @MethodSource("encoderDecoders")
    void answersToASourceMatchTheReference(String name) throws IOException {
        assumeTrue(Conformance.isPresent(), Conformance.missing());
        ReferenceModel model = ReferenceModel.of(name);
        int[] source = model.source();
        try (GgufFile file = GgufFile.open(model.file());
                ForwardPass pass = new AnsweringPass(Evaluation.compile(backend, file), source)) {
            check(model, pass);
        }
    }

    /** The logits of a text in which each token sees all others, alone and beside another. */
    @ParameterizedTest
    @MethodSource("bidirectional")
    void logitsOfAWholeTextMatchTheReference(String name) throws IOException {
        assumeTrue(Conformance.isPresent(), Conformance.missing());
        ReferenceModel model = ReferenceModel.of(name);
        Reference reference = Reference.beside(model.file());
        int[] tokens = reference.tokens();
        try (GgufFile file = GgufFile.open(model.file());
                ForwardPass pass = Evaluation.compile(backend, file)) {
            compare("at once", model, reference, evaluate(pass, tokens, KvCacheType.F32, tokens.length));
            float[][] both = evaluateMixed(pass, tokens, tokens.length, tokens.length);
            compare("in one batch, the first sequence", model, reference, both[0]);
            compare("in one batch, the second sequence", model, reference, both[1]);
        }
    }

    private static void compare(String how, ReferenceModel model, Reference reference, float[] logits) {
        assertThat(reference.error(logits))
                .as("normalized squared error " + how)
                .isLessThanOrEqualTo(model.limit());
        assertThat(reference.differences(logits))
                .as("positions with another best token " + how)
                .isEmpty();
    }

    /** A name that is no model would hide nothing and stay for ever. */
    @Test
    void theListNamesModels() throws IOException {
        assumeTrue(Conformance.isPresent(), Conformance.missing());
        for (Map.Entry<String, String> entry : ReferenceModel.missing().entrySet()) {
            assertThat(ReferenceModel.path(entry.getKey())).exists();
            assertThat(entry.getValue()).as(entry.getKey()).isNotBlank();
        }
    }
}
