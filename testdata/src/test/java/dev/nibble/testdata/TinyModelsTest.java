package dev.nibble.testdata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.nibble.gguf.GgufFile;
import dev.nibble.model.Architectures;
import dev.nibble.model.StringArray;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class TinyModelsTest {
    @TempDir
    Path folder;

    static Set<String> names() {
        return TinyModels.names();
    }

    static Set<String> namesWithReference() {
        Set<String> names = new TreeSet<>(TinyModels.names());
        names.removeIf(name -> Conformance.isPresent() && !Files.exists(Conformance.path("archs/" + name + ".gguf")));
        return names;
    }

    private GgufFile write(String name, DType dtype) throws IOException {
        Path file = folder.resolve(name + dtype + ".gguf");
        TinyModels.write(name, 1, dtype, file);
        return GgufFile.open(file);
    }

    @ParameterizedTest
    @MethodSource("names")
    void engineReadsIt(String name) throws IOException {
        for (DType dtype : List.of(DType.F32, DType.Q8_0, DType.Q4_K)) {
            try (GgufFile gguf = write(name, dtype)) {
                assertThat(gguf.metadata().requireString("general.architecture"))
                        .isEqualTo(TinyModels.architecture(name));
                assertThat(Architectures.read(gguf, 256).config().vocabSize()).isEqualTo(288);
                assertThat(gguf.tensors()).anyMatch(tensor -> tensor.dtype() == dtype);
            }
        }
    }

    /** The keys, the tensors' names, types and shapes are those of the reference models. */
    @ParameterizedTest
    @MethodSource("namesWithReference")
    void looksLikeTheReference(String name) throws IOException {
        assumeTrue(Conformance.isPresent(), Conformance.missing());
        Path file = Conformance.path("archs/" + name + ".gguf");
        try (GgufFile tiny = write(name, DType.F32);
                GgufFile reference = GgufFile.open(file)) {
            assertThat(shapes(tiny)).isEqualTo(shapes(reference));
            // Keys that only state a default, and what is of no use to the engine.
            Predicate<String> optional = key -> key.endsWith("vocab_size")
                    || key.endsWith(".attention.key_length")
                    || key.endsWith(".attention.value_length")
                    || key.equals("general.file_type")
                    || key.equals("tokenizer.chat_template")
                    || key.endsWith(".rope.freq_base")
                    || key.endsWith(".feed_forward_length")
                    || key.endsWith("expert_feed_forward_length");
            assertThat(keys(tiny, optional)).isEqualTo(keys(reference, optional));
            for (String key : keys(tiny, optional)) {
                assertThat(tiny.valueType(key)).as(key).isEqualTo(reference.valueType(key));
                assertThat(tiny.elementType(key)).as(key).isEqualTo(reference.elementType(key));
            }
        }
    }

    private static Set<String> shapes(GgufFile gguf) {
        Set<String> shapes = new TreeSet<>();
        gguf.tensors().forEach(tensor -> shapes.add(tensor.name() + " " + tensor.dtype() + " " + tensor.shape()));
        return shapes;
    }

    private static Set<String> keys(GgufFile gguf, Predicate<String> optional) {
        Set<String> keys = new TreeSet<>(gguf.metadata().keys());
        keys.removeIf(optional);
        return keys;
    }

    @Test
    void sameSeedSameFile() throws IOException {
        Path first = folder.resolve("first.gguf");
        Path second = folder.resolve("second.gguf");
        Path other = folder.resolve("other.gguf");
        TinyModels.write("llama", 1, DType.Q4_0, first);
        TinyModels.write("llama", 1, DType.Q4_0, second);
        TinyModels.write("llama", 2, DType.Q4_0, other);
        assertThat(second).hasSameBinaryContentAs(first);
        assertThat(Files.mismatch(first, other)).isNotNegative();
    }

    @Test
    void unknownNameIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TinyModels.write("lama", 1, folder.resolve("m.gguf")))
                .withMessageStartingWith("there is no tiny model 'lama', only llama, llama-tied, ");
    }

    @ParameterizedTest
    @EnumSource
    void weightsHaveTheDeviationAskedFor(DType dtype) throws IOException {
        if (dtype.isRemoved() || dtype.name().matches("I\\d+|Q8_1|Q8_K")) {
            return;
        }
        try (GgufFile gguf = write("llama", dtype)) {
            Tensor tensor = gguf.tensor("blk.0.ffn_up.weight").orElseThrow();
            assertThat(tensor.dtype()).isEqualTo(dtype);
            float[] values = new float[(int) tensor.shape().elements()];
            tensor.dequantizeRows(0, (int) tensor.rows(), values, 0);
            double mean = 0;
            double square = 0;
            for (float value : values) {
                mean += value / values.length;
                square += (double) value * value / values.length;
            }
            double expected = 1 / Math.sqrt((double) tensor.columns());
            // A power of two is the only scale MXFP4 has.
            double tolerance = dtype == DType.MXFP4 ? 0.5 : 0.1;
            assertThat(Math.sqrt(square)).isBetween((1 - tolerance) * expected, (1 + tolerance) * expected);
            assertThat(Math.abs(mean)).isLessThan(0.6 * expected);
        }
    }

    @Test
    void largeVocabularyHasEachTokenOnceAndMergesThatMakeIt() throws IOException {
        Path file = folder.resolve("m.gguf");
        RandomModels.write("smollm2-135m", "Q4_K_M", 1, file);
        try (GgufFile gguf = GgufFile.open(file)) {
            assertThat(gguf.tensor("token_embd.weight").orElseThrow().dtype()).isEqualTo(DType.Q8_0);
            assertThat(gguf.tensor("blk.0.ffn_down.weight").orElseThrow().dtype())
                    .isEqualTo(DType.Q6_K);
            assertThat(gguf.tensor("blk.0.attn_q.weight").orElseThrow().dtype()).isEqualTo(DType.Q5_0);
            StringArray tokens = Objects.requireNonNull(gguf.metadata().optionalStrings("tokenizer.ggml.tokens"));
            StringArray merges = Objects.requireNonNull(gguf.metadata().optionalStrings("tokenizer.ggml.merges"));
            Set<String> known = new HashSet<>();
            for (int i = 0; i < tokens.size(); i++) {
                assertThat(known.add(tokens.get(i))).isTrue();
            }
            assertThat(tokens.size()).isEqualTo(49152);
            assertThat(merges.size()).isEqualTo(49152 - 256 - 8);
            for (int i = 0; i < merges.size(); i++) {
                List<String> parts = Arrays.asList(merges.get(i).split(" "));
                assertThat(known.containsAll(parts) && known.contains(String.join("", parts)))
                        .as(merges.get(i))
                        .isTrue();
            }
        }
    }
}
