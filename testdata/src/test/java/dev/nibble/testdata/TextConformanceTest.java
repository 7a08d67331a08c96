package dev.nibble.testdata;

import static dev.nibble.testdata.Evaluation.ids;
import static dev.nibble.testdata.Evaluation.nmse;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.nibble.EmbeddingModel;
import dev.nibble.EmbeddingOptions;
import dev.nibble.LoadOptions;
import dev.nibble.RerankModel;
import dev.nibble.model.Architectures;
import dev.nibble.model.Model.Pooling;
import dev.nibble.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Compares the embeddings, states and scores of tiny models with those of llama.cpp, and texts together with each alone. */
class TextConformanceTest {
    private static final double LIMIT = 1e-10;

    static Stream<Arguments> models() throws IOException {
        if (!Conformance.isPresent()) {
            return Stream.of(Arguments.of("no data", Path.of("")));
        }
        List<Arguments> models = new ArrayList<>();
        for (Path file : Conformance.files("archs2", ".gguf")) {
            if (!Pattern.matches("logits|bidir|encdec", value(json(file), "kind"))) {
                models.add(Arguments.of(String.valueOf(file.getFileName()), file));
            }
        }
        return models.stream();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("models")
    void resultsAreThoseOfTheReference(String name, Path file) throws IOException {
        assumeTrue(Conformance.isPresent(), Conformance.missing());
        String json = json(file);
        assumeTrue(
                Architectures.names().contains(value(json, "arch")),
                () -> "this version does not read the architecture " + value(json, "arch"));
        String stem = name.replaceFirst("\\.gguf$", "");
        switch (value(json, "kind")) {
            case "rank" -> rates(file, json, Conformance.floats(file.resolveSibling(stem + ".scores.f32")));
            case "embed" -> embeds(file, json, Conformance.floats(file.resolveSibling(stem + ".embeddings.f32")));
            case "states" -> keepsStates(file, json, Conformance.floats(file.resolveSibling(stem + ".embeddings.f32")));
            default -> throw new IllegalStateException(name + " is of an unknown kind");
        }
    }

    private static void rates(Path file, String json, float[] expected) throws IOException {
        List<String> queries = texts(json, "query");
        List<String> documents = texts(json, "document");
        try (RerankModel model = RerankModel.load(file, LoadOptions.EXACT)) {
            List<float[]> outputs = new ArrayList<>();
            for (int i = 0; i < queries.size(); i++) {
                outputs.addAll(model.outputs(queries.get(i), List.of(documents.get(i))));
            }
            assertThat(nmse(flat(outputs), expected)).isLessThan(limit(json));
            if (queries.stream().distinct().count() == 1) {
                assertThat(nmse(flat(model.outputs(queries.getFirst(), documents)), expected))
                        .as("all documents together")
                        .isLessThan(limit(json));
            }
        }
    }

    private static void embeds(Path file, String json, float[] expected) throws IOException {
        List<String> texts = texts(json, "text");
        try (EmbeddingModel model =
                EmbeddingModel.load(file, LoadOptions.EXACT, EmbeddingOptions.DEFAULT.withNormalize(false))) {
            checkTokens(model, json, texts);
            assertThat(nmse(flat(model.embed(texts)), expected)).isLessThan(limit(json));
            assertThat(nmse(flat(texts.stream().map(model::embed).toList()), expected))
                    .as("each text alone")
                    .isLessThan(limit(json));
        }
    }

    private static void keepsStates(Path file, String json, float[] expected) throws IOException {
        List<String> texts = texts(json, "text");
        EmbeddingOptions options = EmbeddingOptions.DEFAULT.withNormalize(false).withPooling(Pooling.NONE);
        try (EmbeddingModel model = EmbeddingModel.load(file, LoadOptions.EXACT, options)) {
            checkTokens(model, json, texts);
            List<float[]> states = new ArrayList<>();
            texts.forEach(text -> states.addAll(Arrays.asList(model.embedTokens(text))));
            assertThat(nmse(flat(states), expected)).isLessThan(limit(json));
        }
    }

    private static void checkTokens(EmbeddingModel model, String json, List<String> texts) {
        int at = 0;
        for (String text : texts) {
            at = json.indexOf("\"tokens\"", at + 1);
            assertThat(model.tokenizer().encode(text, Tokenizer.Options.PROMPT))
                    .as(text)
                    .containsExactly(ids(json.substring(at), "tokens"));
        }
    }

    private static double limit(String json) {
        return json.contains("\"nmse_limit\"") ? Double.parseDouble(value(json, "nmse_limit")) : LIMIT;
    }

    private static float[] flat(List<float[]> rows) {
        int size = rows.stream().mapToInt(row -> row.length).sum();
        float[] all = new float[size];
        int at = 0;
        for (float[] row : rows) {
            System.arraycopy(row, 0, all, at, row.length);
            at += row.length;
        }
        return all;
    }

    private static String json(Path model) throws IOException {
        String name = model.getFileName().toString().replaceFirst("\\.gguf$", ".json");
        return Files.readString(model.resolveSibling(name));
    }

    /** The value of a key, a text or a number. */
    private static String value(String json, String key) {
        Matcher matcher =
                Pattern.compile("\"" + key + "\":\\s*\"?([^\",}\\s]*)").matcher(json);
        assertThat(matcher.find()).as(key).isTrue();
        return matcher.group(1);
    }

    /** The texts under a key, one for each input. */
    private static List<String> texts(String json, String key) {
        return Pattern.compile("\"" + key + "\":\\s*\"((?:[^\"\\\\]|\\\\.)*)\"")
                .matcher(json)
                .results()
                .map(match -> match.group(1).translateEscapes())
                .toList();
    }
}
