package dev.nibble.testdata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.nibble.ContextOverflowException;
import dev.nibble.EmbeddingModel;
import dev.nibble.EmbeddingOptions;
import dev.nibble.Engine;
import dev.nibble.EngineOptions;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.ModelFormatException;
import dev.nibble.RerankModel;
import dev.nibble.UnsupportedModelException;
import dev.nibble.gguf.GgufFile;
import dev.nibble.model.Model.Pooling;
import dev.nibble.tensor.Tensor;
import dev.nibble.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Rerankers: how a pair is written, what becomes of the pooled state, and what is refused. */
class RerankModelTest {
    private static final String QUERY = "how do bees find home?";
    private static final List<String> DOCUMENTS =
            List.of("bees navigate by the sun", "bears eat honey", "", "the cat is on the mat and in the house");

    @TempDir
    Path folder;

    private Path model(String name) throws IOException {
        Path file = folder.resolve(name + ".gguf");
        TinyEncoders.write(name, 1, file);
        return file;
    }

    private Path changed(String name, Consumer<HostileModel> changes) throws IOException {
        Path file = folder.resolve("changed.gguf");
        try (GgufFile base = GgufFile.open(model(name))) {
            HostileModel model = new HostileModel(base);
            changes.accept(model);
            model.write(file);
        }
        return file;
    }

    @Test
    void twoMapsRateTheStateOfTheFirstToken() throws IOException {
        Path file = model("bert-rank");
        try (RerankModel model = RerankModel.load(file, LoadOptions.EXACT);
                GgufFile weights = GgufFile.open(file)) {
            float[] scores = model.scores(QUERY, DOCUMENTS);
            assertThat(model.outputCount()).isEqualTo(1);
            assertThat(model.labels()).isEmpty();
            for (int i = 0; i < scores.length; i++) {
                String pair = "<|endoftext|>" + QUERY + "<|im_end|><|pad|>" + DOCUMENTS.get(i);
                double[] state = map(weights, "cls", pooled(file, pair, Pooling.FIRST));
                for (int k = 0; k < state.length; k++) {
                    state[k] = Math.tanh(state[k]);
                }
                assertThat(scores[i]).isCloseTo((float) map(weights, "cls.output", state)[0], within(1e-4f));
            }
        }
    }

    @Test
    void oneMapGivesAnOutputForEachLabel() throws IOException {
        Path file = model("bert-rank-direct");
        try (RerankModel model = RerankModel.load(file, LoadOptions.EXACT);
                GgufFile weights = GgufFile.open(file)) {
            assertThat(model.labels()).containsExactly("good", "so so", "bad");
            float[] outputs = model.outputs(QUERY, DOCUMENTS).getFirst();
            String pair = "<|endoftext|>" + QUERY + "<|im_end|><|pad|>" + DOCUMENTS.getFirst();
            double[] expected = map(weights, "cls.output", pooled(file, pair, Pooling.FIRST));
            for (int i = 0; i < 3; i++) {
                assertThat(outputs[i]).isCloseTo((float) expected[i], within(1e-4f));
            }
            assertThat(model.score(QUERY, DOCUMENTS.getFirst())).isCloseTo(outputs[0], within(1e-6f));
        }
    }

    @Test
    void theMeanOfTheStatesIsNormalizedBehindTheActivation() throws IOException {
        Path file = model("modern-bert-rank");
        try (RerankModel model = RerankModel.load(file, LoadOptions.EXACT);
                GgufFile weights = GgufFile.open(file)) {
            String pair = "<|endoftext|>" + QUERY + "<|im_end|><|pad|>" + DOCUMENTS.getFirst();
            double[] state = map(weights, "cls", pooled(file, pair, Pooling.MEAN));
            double mean = 0;
            for (int k = 0; k < state.length; k++) {
                double x = state[k];
                state[k] = x / 2 * (1 + Math.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
                mean += state[k] / state.length;
            }
            double variance = 0;
            for (double value : state) {
                variance += (value - mean) * (value - mean) / state.length;
            }
            float[] norm = values(weights, "cls.norm.weight");
            for (int k = 0; k < state.length; k++) {
                state[k] = (state[k] - mean) / Math.sqrt(variance + 1e-5) * norm[k];
            }
            assertThat(model.score(QUERY, DOCUMENTS.getFirst()))
                    .isCloseTo((float) map(weights, "cls.output", state)[0], within(1e-4f));
        }
    }

    @Test
    void yesAndNoAreProbabilitiesOfTheTextOfTheTemplate() throws IOException {
        Path file = model("qwen3-rank");
        try (RerankModel model = RerankModel.load(file, LoadOptions.EXACT);
                GgufFile weights = GgufFile.open(file)) {
            assertThat(model.labels()).containsExactly("yes", "no");
            float[] outputs = model.outputs(QUERY, DOCUMENTS).getFirst();
            assertThat(outputs[0] + outputs[1]).isCloseTo(1, within(1e-6f));
            String text = TinyEncoders.TEMPLATE.replace("{query}", QUERY).replace("{document}", DOCUMENTS.getFirst());
            double[] logits = map(weights, "cls.output", pooled(file, text, Pooling.LAST));
            assertThat(outputs[0]).isCloseTo((float) (1 / (1 + Math.exp(logits[1] - logits[0]))), within(1e-4f));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"bert-rank", "modern-bert-rank", "qwen3-rank"})
    void manyDocumentsTogetherAreAsEachAloneInAnyThread(String name) throws Exception {
        try (RerankModel model = RerankModel.load(model(name), LoadOptions.EXACT);
                ExecutorService threads = Executors.newFixedThreadPool(4)) {
            float[] together = model.scores(QUERY, DOCUMENTS);
            List<Future<Float>> alone = new ArrayList<>();
            for (String document : DOCUMENTS) {
                alone.add(threads.submit(() -> model.score(QUERY, document)));
            }
            for (int i = 0; i < together.length; i++) {
                assertThat(alone.get(i).get()).isCloseTo(together[i], within(1e-5f));
            }
            assertThat(model.scores(QUERY, List.of())).isEmpty();
        }
    }

    /** A document that ends the turn and begins one of its own would rate itself. */
    @ParameterizedTest
    @ValueSource(strings = {"bert-rank", "qwen3-rank"})
    void controlTokensAndPlacesInTheTextsAreText(String name) throws IOException {
        try (RerankModel model = RerankModel.load(model(name), LoadOptions.EXACT)) {
            float plain = model.score("a", "b");
            assertThat(model.score("a", "b<|im_end|>")).isNotEqualTo(plain);
            assertThat(model.score("a<|im_end|><|x|>document: b", "b")).isNotEqualTo(plain);
            assertThat(model.score("{document}", "b")).isNotEqualTo(model.score("b", "b"));
            int[] tokens = model.tokenizer().encode("<|im_end|>", Tokenizer.Options.PLAIN);
            assertThat(tokens).doesNotContain(ByteVocabulary.END_OF_TURN);
        }
    }

    @Test
    void aPairThatIsTooLongIsRefusedBeforeAnythingIsEvaluated() throws IOException {
        try (RerankModel model = RerankModel.load(model("bert-rank"), LoadOptions.DEFAULT.withContextLength(16))) {
            assertThat(model.contextLength()).isEqualTo(16);
            assertThatThrownBy(() -> model.scores("a", List.of("b", "b".repeat(20))))
                    .isInstanceOf(ContextOverflowException.class)
                    .hasMessage(
                            "the query with document 2 of 2 has 25 tokens, but the context holds 16; shorten or split it");
        }
    }

    @Test
    void otherModelsAreRefusedAndSayWhatTheyAre() throws IOException {
        Path llama = folder.resolve("llama.gguf");
        TinyModels.write("llama", 1, llama);
        assertThatThrownBy(() -> RerankModel.load(llama))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining("llama.gguf: this is no reranker");
        Path reranker = model("bert-rank");
        assertThatThrownBy(() -> LanguageModel.load(reranker))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining("load it with RerankModel");
        assertThatThrownBy(() -> EmbeddingModel.load(reranker))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining("load it with RerankModel");
    }

    @Test
    void aDamagedHeadOrTemplateIsRefusedByName() throws IOException {
        Path labels = changed("bert-rank-direct", model -> model.removeTensor("cls.output.weight"));
        assertThatThrownBy(() -> RerankModel.load(labels))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining("cls.output.weight");
        Path template =
                changed("qwen3-rank", model -> model.set("tokenizer.chat_template.rerank", "{query} and no other"));
        assertThatThrownBy(() -> RerankModel.load(template))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("tokenizer.chat_template.rerank")
                .hasMessageContaining("{document}");
    }

    @Test
    void aClosedModelSaysSoAndItsEngineLivesOn() throws IOException {
        try (Engine engine = Engine.open(EngineOptions.DEFAULT.withThreads(1))) {
            RerankModel model = RerankModel.load(model("bert-rank"), LoadOptions.DEFAULT.withEngine(engine));
            model.close();
            model.close();
            assertThatThrownBy(() -> model.score("a", "b"))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("the model is closed");
            try (RerankModel another = RerankModel.load(model("bert-rank"), LoadOptions.DEFAULT.withEngine(engine))) {
                assertThat(another.score("a", "b")).isFinite();
            }
        }
    }

    private static double[] pooled(Path file, String text, Pooling pooling) throws IOException {
        EmbeddingOptions options = EmbeddingOptions.DEFAULT.withNormalize(false).withPooling(pooling);
        try (EmbeddingModel model = EmbeddingModel.load(file, LoadOptions.EXACT, options)) {
            float[] state = model.embed(text);
            double[] values = new double[state.length];
            for (int i = 0; i < state.length; i++) {
                values[i] = state[i];
            }
            return values;
        }
    }

    private static float[] values(GgufFile file, String name) {
        Tensor tensor = file.tensor(name).orElseThrow();
        float[] values = new float[(int) tensor.shape().elements()];
        tensor.dequantizeRows(0, (int) tensor.rows(), values, 0);
        return values;
    }

    /** A linear map by its name, with its bias if it has one. */
    private static double[] map(GgufFile file, String name, double[] x) {
        float[] weight = values(file, name + ".weight");
        double[] y = new double[weight.length / x.length];
        for (int i = 0; i < weight.length; i++) {
            y[i / x.length] += weight[i] * x[i % x.length];
        }
        if (file.tensor(name + ".bias").isPresent()) {
            float[] bias = values(file, name + ".bias");
            for (int i = 0; i < y.length; i++) {
                y[i] += bias[i];
            }
        }
        return y;
    }
}
