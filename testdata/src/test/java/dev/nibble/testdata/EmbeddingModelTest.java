package dev.nibble.testdata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.nibble.ContextOverflowException;
import dev.nibble.EmbeddingModel;
import dev.nibble.EmbeddingOptions;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.Session;
import dev.nibble.UnsupportedModelException;
import dev.nibble.model.Model.Pooling;
import dev.nibble.tokenizer.Tokenizer;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Compares the embeddings of tiny models with those of llama.cpp. Models and references were made by {@code
 * src/test/python/make_embeddings.py}.
 */
class EmbeddingModelTest {
    private static final EmbeddingOptions RAW = EmbeddingOptions.DEFAULT.withNormalize(false);

    @ParameterizedTest
    @ValueSource(
            strings = {
                "bert",
                "nomic-bert",
                "gemma-embedding",
                "gemma-embedding-dense",
                "qwen3-last",
                "qwen3-bidirectional"
            })
    void embeddingsAreThoseOfTheReference(String name) throws IOException {
        List<Reference> references = references(name);
        for (Pooling pooling : Pooling.values()) {
            List<Reference> expected =
                    references.stream().filter(r -> r.pooling == pooling).toList();
            assertThat(expected).isNotEmpty();
            try (EmbeddingModel model = EmbeddingModel.load(file(name), LoadOptions.EXACT, RAW.withPooling(pooling))) {
                for (Reference reference : expected) {
                    assertThat(model.tokenizer().encode(reference.text, Tokenizer.Options.PROMPT))
                            .as(reference.text)
                            .containsExactly(reference.tokens);
                    float[] embedding = pooling == Pooling.NONE
                            ? flat(model.embedTokens(reference.text))
                            : model.embed(reference.text);
                    assertThat(nmse(embedding, reference.embedding))
                            .as(pooling + " of '" + reference.text + "'")
                            .isLessThan(limit(name));
                }
            }
        }
    }

    /** The reference computes GELU through a table of half floats; without it, both agree to rounding. */
    private static double limit(String name) {
        return name.equals("bert") || name.startsWith("gemma") ? 5e-7 : 1e-11;
    }

    @Test
    void theFileSaysHowToPool() throws IOException {
        assertThat(poolingOf("bert")).isEqualTo(Pooling.FIRST);
        assertThat(poolingOf("nomic-bert")).isEqualTo(Pooling.MEAN);
        assertThat(poolingOf("qwen3-last")).isEqualTo(Pooling.LAST);
    }

    private static Pooling poolingOf(String name) throws IOException {
        try (EmbeddingModel model = EmbeddingModel.load(file(name))) {
            return model.pooling();
        }
    }

    @Test
    void embeddingsHaveTheLengthOneUnlessTurnedOff() throws IOException {
        try (EmbeddingModel unit = EmbeddingModel.load(file("bert"), LoadOptions.EXACT);
                EmbeddingModel raw = EmbeddingModel.load(file("bert"), LoadOptions.EXACT, RAW)) {
            float[] a = unit.embed("the cat");
            float[] b = raw.embed("the cat");
            assertThat(a).hasSize(unit.dimensions());
            assertThat(dot(a, a)).isCloseTo(1, within(1e-6));
            assertThat(dot(b, b)).isGreaterThan(2);
            assertThat(dot(a, b) / Math.sqrt(dot(b, b))).isCloseTo(1, within(1e-6));
            for (float[] token : unit.embedTokens("the cat")) {
                assertThat(dot(token, token)).isCloseTo(1, within(1e-6));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"bert", "gemma-embedding", "qwen3-last"})
    void manyTextsTogetherAreAsEachAlone(String name) throws IOException {
        List<String> texts = new ArrayList<>();
        for (int i = 0; i < 80; i++) {
            texts.add(String.join(" ", Collections.nCopies(i % 9, "the cat " + i)));
        }
        try (EmbeddingModel model = EmbeddingModel.load(file(name), LoadOptions.EXACT)) {
            List<float[]> together = model.embed(texts);
            assertThat(together).hasSameSizeAs(texts);
            for (int i = 0; i < texts.size(); i++) {
                assertThat(nmse(together.get(i), model.embed(texts.get(i))))
                        .as(texts.get(i))
                        .isLessThan(1e-11);
            }
            assertThat(model.embed(List.of())).isEmpty();
        }
    }

    @Test
    void threadsShareAModel() throws Exception {
        List<String> texts = List.of("the cat", "a dog sat", "mixed numbers 12", "on the mat the cat sat");
        try (EmbeddingModel model = EmbeddingModel.load(file("nomic-bert"), LoadOptions.EXACT);
                ExecutorService threads = Executors.newFixedThreadPool(4)) {
            List<float[]> alone = texts.stream().map(model::embed).toList();
            List<Future<float[]>> results = new ArrayList<>();
            for (int i = 0; i < 40; i++) {
                String text = texts.get(i % texts.size());
                results.add(threads.submit(() -> model.embed(text)));
            }
            for (int i = 0; i < results.size(); i++) {
                assertThat(nmse(results.get(i).get(), alone.get(i % texts.size())))
                        .isLessThan(1e-11);
            }
        }
    }

    @Test
    void aTextThatIsTooLongIsRefusedBeforeAnythingIsEvaluated() throws IOException {
        try (EmbeddingModel model = EmbeddingModel.load(file("bert"))) {
            assertThat(model.contextLength()).isEqualTo(96);
            assertThat(model.embed("cat ".repeat(94))).hasSize(48);
            assertThatThrownBy(() -> model.embed(List.of("the cat", "cat ".repeat(95))))
                    .isInstanceOf(ContextOverflowException.class)
                    .hasMessage("text 2 of 2 has 97 tokens, but the context holds 96; shorten or split it");
        }
        try (EmbeddingModel model = EmbeddingModel.load(file("bert"), LoadOptions.DEFAULT.withContextLength(4))) {
            assertThatThrownBy(() -> model.embed("the cat sat"))
                    .isInstanceOf(ContextOverflowException.class)
                    .hasMessage("the text has 5 tokens, but the context holds 4; shorten or split it");
        }
        assertThatThrownBy(() -> EmbeddingModel.load(file("bert"), LoadOptions.DEFAULT.withContextLength(97)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("at most 96");
    }

    @Test
    void withoutPoolingThereAreOnlyEmbeddingsOfTokens() throws IOException {
        try (EmbeddingModel model =
                EmbeddingModel.load(file("bert"), LoadOptions.DEFAULT, RAW.withPooling(Pooling.NONE))) {
            assertThat(model.embedTokens("the cat")).hasDimensions(4, 48);
            assertThatThrownBy(() -> model.embed("the cat"))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("embedTokens");
        }
    }

    @Test
    void aClosedModelSaysSo() throws IOException {
        EmbeddingModel model = EmbeddingModel.load(file("bert"));
        model.close();
        model.close();
        assertThatThrownBy(() -> model.embed("the cat"))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("the model is closed");
    }

    @ParameterizedTest
    @ValueSource(strings = {"bert", "gemma-embedding", "qwen3-bidirectional"})
    void anEmbeddingModelDoesNotGenerate(String name) {
        assertThatThrownBy(() -> LanguageModel.load(file(name)))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining("load it with EmbeddingModel");
    }

    @Test
    void aGeneratingModelEmbedsToo() throws IOException {
        try (LanguageModel model = LanguageModel.load(file("qwen3-last"));
                Session session = model.newSession()) {
            assertThat(session.evaluate(new int[] {1, 2}, false))
                    .hasSize(model.config().vocabSize());
        }
    }

    private static double dot(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += (double) a[i] * b[i];
        }
        return sum;
    }

    private static double nmse(float[] actual, float[] expected) {
        assertThat(actual).hasSameSizeAs(expected);
        double error = 0;
        for (int i = 0; i < expected.length; i++) {
            double difference = (double) actual[i] - expected[i];
            error += difference * difference;
        }
        return error / dot(expected, expected);
    }

    private static float[] flat(float[][] rows) {
        float[] all = new float[rows.length * rows[0].length];
        for (int row = 0; row < rows.length; row++) {
            System.arraycopy(rows[row], 0, all, row * rows[row].length, rows[row].length);
        }
        return all;
    }

    static Path file(String name) {
        return resource(name + ".gguf");
    }

    private static Path resource(String name) {
        try {
            return Path.of(Objects.requireNonNull(EmbeddingModelTest.class.getResource("/embeddings/" + name))
                    .toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static List<Reference> references(String name) throws IOException {
        try (Stream<String> lines = Files.lines(resource(name + ".tsv"))) {
            return lines.map(Reference::parse).toList();
        }
    }

    /** A line of a reference file: pooling, text, tokens, values. */
    private record Reference(Pooling pooling, String text, int[] tokens, float[] embedding) {

        static Reference parse(String line) {
            String[] columns = line.split("\t", -1);
            Pooling pooling =
                    columns[0].equals("cls") ? Pooling.FIRST : Pooling.valueOf(columns[0].toUpperCase(Locale.ROOT));
            String[] numbers = columns[3].split(" ");
            float[] embedding = new float[numbers.length];
            for (int i = 0; i < numbers.length; i++) {
                embedding[i] = Float.parseFloat(numbers[i]);
            }
            int[] tokens =
                    Stream.of(columns[2].split(",")).mapToInt(Integer::parseInt).toArray();
            return new Reference(pooling, columns[1], tokens, embedding);
        }
    }
}
