package dev.nibble.testdata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.nibble.KvCacheType;
import dev.nibble.KvCacheTypes;
import dev.nibble.LoadOptions;
import dev.nibble.gguf.GgufFile;
import dev.nibble.model.Architectures;
import dev.nibble.model.Model;
import dev.nibble.spi.Backend;
import dev.nibble.spi.Batch;
import dev.nibble.spi.ForwardPass;
import dev.nibble.spi.Sequence;
import dev.nibble.tensor.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.condition.DisabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * On machine code the outputs of a row are the same to the last bit whatever it is evaluated with: alone, in chunks of any size,
 * beside rows of other sequences. All architectures, and all types of weights.
 */
@Tag("batch-invariance")
@DisabledIf(
        value = "dev.nibble.testdata.ProcessorVectors#areTheUsual",
        disabledReason = "machine code for this processor has vectors of this width without being asked")
class BatchInvarianceTest {
    private static final int CONTEXT = 64;
    private static final int[] TOKENS = tokens(37, 5);

    @TempDir
    Path folder;

    private static int[] tokens(int count, int seed) {
        int[] tokens = new int[count];
        for (int i = 0; i < count; i++) {
            tokens[i] = 1 + (i * 29 + seed * seed * 7) % 250;
        }
        return tokens;
    }

    /** Each architecture with one type, and one architecture with each type; with narrower vectors than usual only the latter. */
    static Stream<Arguments> models() {
        List<DType> types = Stream.of(DType.values())
                .filter(dtype -> dtype.isQuantized()
                        || List.of(DType.F16, DType.BF16, DType.F32).contains(dtype))
                .filter(dtype -> dtype != DType.Q8_1 && dtype != DType.Q8_K)
                .toList();
        List<Arguments> models = new ArrayList<>();
        int next = 0;
        Set<String> names = System.getProperty("nibble.vector.bits") == null ? TinyModels.names() : Set.of();
        for (String name : names) {
            models.add(Arguments.of(name, types.get(next++ % types.size())));
        }
        for (DType dtype : types) {
            models.add(Arguments.of("llama", dtype));
        }
        return models.stream();
    }

    @ParameterizedTest(name = "{0} {1}")
    @MethodSource("models")
    void aRowDoesNotDependOnTheRowsBesideIt(String name, DType dtype) throws IOException {
        check(name, dtype, List.of(KvCacheTypes.of(KvCacheType.F16), KvCacheTypes.of(KvCacheType.F32)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama", "gemma3"})
    void norInACacheOfFewerBits(String name) throws IOException {
        check(
                name,
                DType.Q8_0,
                List.of(
                        KvCacheTypes.of(KvCacheType.Q8_0),
                        KvCacheTypes.of(KvCacheType.Q4_0),
                        new KvCacheTypes(KvCacheType.Q8_0, KvCacheType.Q4_0)));
    }

    private void check(String name, DType dtype, List<KvCacheTypes> types) throws IOException {
        Path file = folder.resolve("model.gguf");
        TinyModels.write(name, 1, dtype, file);
        try (Backend backend = Evaluation.openBackend(LoadOptions.DEFAULT.withThreads(2));
                GgufFile source = GgufFile.open(file)) {
            assumeTrue(
                    backend.description().contains("machine code"), "no machine code here: " + backend.description());
            Model model = Architectures.read(source, CONTEXT);
            try (ForwardPass pass = backend.compile(model, source)) {
                for (KvCacheTypes type : types) {
                    float[] alone = inChunks(pass, type, model.isCausal() ? 1 : TOKENS.length);
                    for (int chunk : new int[] {2, 3, 7, 16, TOKENS.length}) {
                        if (model.isCausal()) {
                            assertThat(differences(inChunks(pass, type, chunk), alone))
                                    .as(type + ", rows that differ in chunks of " + chunk)
                                    .isEmpty();
                        }
                        assertThat(differences(
                                        besideOthers(pass, type, model.isCausal() ? chunk : TOKENS.length), alone))
                                .as(type + ", rows that differ beside others in chunks of " + chunk)
                                .isEmpty();
                    }
                }
            }
        }
    }

    private static List<Integer> differences(float[] outputs, float[] expected) {
        int width = expected.length / TOKENS.length;
        List<Integer> rows = new ArrayList<>();
        for (int row = 0; row < TOKENS.length; row++) {
            if (!Arrays.equals(outputs, row * width, (row + 1) * width, expected, row * width, (row + 1) * width)) {
                rows.add(row);
            }
        }
        return rows;
    }

    private static float[] inChunks(ForwardPass pass, KvCacheTypes type, int chunk) {
        int width = pass.outputSize();
        float[] outputs = new float[TOKENS.length * width];
        try (Sequence sequence = pass.newSequence(CONTEXT, type)) {
            Batch batch = new Batch(chunk);
            for (int from = 0; from < TOKENS.length; from += chunk) {
                batch.clear();
                for (int i = from; i < Math.min(TOKENS.length, from + chunk); i++) {
                    batch.add(sequence, TOKENS[i], true);
                }
                float[] part = new float[batch.size() * width];
                pass.evaluate(batch, part, () -> false);
                System.arraycopy(part, 0, outputs, from * width, part.length);
            }
        }
        return outputs;
    }

    /** The same rows between one that decodes, and the prompt of a third sequence; all others want no outputs. */
    private static float[] besideOthers(ForwardPass pass, KvCacheTypes type, int chunk) {
        int width = pass.outputSize();
        float[] outputs = new float[TOKENS.length * width];
        try (Sequence decodes = pass.newSequence(CONTEXT, type);
                Sequence sequence = pass.newSequence(CONTEXT, type);
                Sequence prompt = pass.newSequence(CONTEXT, type)) {
            Batch batch = new Batch(chunk + 4);
            int[] others = tokens(CONTEXT, 3);
            int other = 0;
            for (int from = 0; from < TOKENS.length; from += chunk) {
                batch.clear();
                batch.add(decodes, others[from / chunk], false);
                for (int i = from; i < Math.min(TOKENS.length, from + chunk); i++) {
                    batch.add(sequence, TOKENS[i], true);
                }
                int rows = batch.size() - 1;
                for (int i = 0; i < 3 && other < CONTEXT - 1; i++) {
                    batch.add(prompt, others[other++], false);
                }
                float[] part = new float[rows * width];
                pass.evaluate(batch, part, () -> false);
                System.arraycopy(part, 0, outputs, from * width, part.length);
            }
        }
        return outputs;
    }
}
