package dev.nibble.testdata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.nibble.KvCacheType;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.MemoryPlan;
import dev.nibble.ModelFormatException;
import dev.nibble.UnsupportedModelException;
import dev.nibble.gguf.GgufFile;
import dev.nibble.model.Architectures;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.FeedForward;
import dev.nibble.model.Model;
import dev.nibble.model.PredictionBlock;
import dev.nibble.spi.Backend;
import dev.nibble.spi.ForwardPass;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Shape;
import dev.nibble.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Blocks that predict further tokens: described as all others, checked as all others, and not evaluated. */
class PredictionBlocksTest {
    private static final int CONTEXT = 256;

    /** What the block of glm4moe can do without. */
    private static final Pattern OPTIONAL = Pattern.compile(
            "blk\\.2\\.(.*bias|attn_[qk]_norm\\.weight|nextn\\.(embed_tokens|shared_head_\\w+)\\.weight)");

    /** Without these a feed-forward layer is taken for one of another kind, whose tensors are not there then. */
    private static final Pattern TELLING = Pattern.compile("ffn_(gate|gate_inp)\\.weight$");

    @TempDir
    Path folder;

    private Path write(String name, Consumer<HostileModel> changes) throws IOException {
        Path file = folder.resolve("changed.gguf");
        try (GgufFile base = HostileModel.open(name, folder)) {
            HostileModel model = new HostileModel(base);
            changes.accept(model);
            model.write(file);
        }
        return file;
    }

    private Model read(String name, Consumer<HostileModel> changes) throws IOException {
        try (GgufFile source = GgufFile.open(write(name, changes))) {
            return Architectures.read(source, CONTEXT);
        }
    }

    private static List<String> tensorsFrom(HostileModel model, int block) {
        return model.tensorNames().stream()
                .filter(name -> name.matches("blk\\.\\d+\\..*") && Integer.parseInt(name.split("\\.")[1]) >= block)
                .toList();
    }

    /** As files are published for programs that do without. */
    private static void removeBlocks(HostileModel model, int layers) {
        tensorsFrom(model, layers).forEach(model::removeTensor);
    }

    @Test
    void aBlockWithEverythingOfItsOwn() throws IOException {
        Model model = read("glm4moe-mtp", changes -> {});
        assertThat(model.config().layerCount()).isEqualTo(2);
        assertThat(model.blocks()).hasSize(2);
        PredictionBlock block = model.predictionBlocks().getFirst();
        assertThat(model.predictionBlocks()).hasSize(1);
        int hidden = model.config().hiddenSize();
        int vocabulary = model.config().vocabSize();
        assertThat(block.projection().inputSize()).isEqualTo(2 * hidden);
        assertThat(block.projection().outputSize()).isEqualTo(hidden);
        assertThat(block.embeddingNorm().width()).isEqualTo(hidden);
        assertThat(block.hiddenNorm().width()).isEqualTo(hidden);
        assertThat(Objects.requireNonNull(block.outputNorm()).width()).isEqualTo(hidden);
        assertThat(Objects.requireNonNull(block.output()).outputSize()).isEqualTo(vocabulary);
        assertThat(Objects.requireNonNull(block.tokenEmbedding()).shape()).isEqualTo(Shape.of(hidden, vocabulary));
        assertThat(block.block().ffn()).isInstanceOf(FeedForward.Experts.class);
        assertThat(block.block().mixer())
                .isInstanceOfSatisfying(
                        AttentionConfig.class,
                        attention -> assertThat(attention.kvLayer()).isEqualTo(2));
    }

    @Test
    void twoBlocksThatShareTheEndsOfAModelWithRecurrentLayers() throws IOException {
        Model model = read("qwen35-mtp", changes -> {});
        assertThat(model.blocks()).hasSize(4);
        assertThat(model.predictionBlocks()).hasSize(2);
        for (PredictionBlock block : model.predictionBlocks()) {
            assertThat(block.tokenEmbedding()).isNull();
            assertThat(block.outputNorm()).isNull();
            assertThat(block.output()).isNull();
            assertThat(block.block().mixer()).isInstanceOf(AttentionConfig.class);
        }
    }

    @ParameterizedTest
    @CsvSource({"glm4moe-mtp, 2, 1", "qwen35-mtp, 4, 2"})
    void blocksAreToldByTheirTensors(String name, int layers, int blocks) throws IOException {
        Model uncounted =
                read(name, model -> model.set("%s.block_count", layers).set("%s.nextn_predict_layers", 0));
        assertThat(uncounted.blocks()).hasSize(layers);
        assertThat(uncounted.predictionBlocks()).hasSize(blocks);
        Model without = read(name, model -> removeBlocks(model, layers));
        assertThat(without.blocks()).hasSize(layers);
        assertThat(without.predictionBlocks()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"glm4moe-mtp, 2", "qwen35-mtp, 4"})
    void aMissingTensorIsNamed(String name, int layers) throws IOException {
        for (String tensor : tensors(name, layers)) {
            if (OPTIONAL.matcher(tensor).matches()) {
                assertThat(read(name, model -> model.removeTensor(tensor)).predictionBlocks())
                        .as(tensor)
                        .isNotEmpty();
            } else {
                assertThatThrownBy(() -> read(name, model -> model.removeTensor(tensor)))
                        .as(tensor)
                        .isInstanceOf(ModelFormatException.class)
                        .hasMessageContaining(
                                "the tensor " + TELLING.matcher(tensor).replaceFirst("ffn_"));
            }
        }
        assertThatThrownBy(() -> read(
                        name,
                        model -> removeBlocks(
                                model.set("%s.block_count", layers + 3).set("%s.nextn_predict_layers", 3), layers + 2)))
                .hasMessageContaining("blk." + (name.startsWith("glm") ? layers + 1 : layers + 2) + ".");
    }

    @ParameterizedTest
    @CsvSource({"glm4moe-mtp, 2", "qwen35-mtp, 4"})
    void aTensorOfAnotherShapeIsNamed(String name, int layers) throws IOException {
        for (String tensor : tensors(name, layers)) {
            assertThatThrownBy(() -> read(name, model -> model.reshape(tensor, 8, 3)))
                    .as(tensor)
                    .isInstanceOf(ModelFormatException.class)
                    .hasMessageContaining("the tensor " + tensor);
        }
    }

    @ParameterizedTest
    @CsvSource({"glm4moe-mtp, 2", "qwen35-mtp, 4"})
    void aTensorThatNothingReadsIsRefused(String name, int layers) {
        String tensor = "blk." + layers + ".nextn.other.weight";
        assertThatThrownBy(() -> read(
                        name,
                        model -> model.putTensor(
                                tensor,
                                DType.F32,
                                Shape.of(8),
                                model.tensor("token_embd.weight").data())))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining(tensor);
    }

    /** Both files give the same, and take the same memory. */
    @ParameterizedTest
    @CsvSource({"glm4moe-mtp, 2", "qwen35-mtp, 4"})
    void nothingEvaluatesThem(String name, int layers) throws IOException {
        float[][] logits = new float[2][];
        MemoryPlan[] plans = new MemoryPlan[2];
        for (int i = 0; i < 2; i++) {
            boolean without = i == 1;
            Path file = write(name, model -> {
                if (without) {
                    removeBlocks(model, layers);
                }
            });
            try (Backend backend = Evaluation.openBackend();
                    GgufFile source = GgufFile.open(file);
                    ForwardPass pass = Evaluation.compile(backend, source)) {
                int[] tokens = Reference.ofTinyModel("llama-yarn").tokens();
                logits[i] = Evaluation.evaluate(pass, tokens, KvCacheType.F32, 7);
            }
            try (LanguageModel model = LanguageModel.load(file, LoadOptions.DEFAULT)) {
                plans[i] = model.memoryPlan(CONTEXT);
            }
        }
        assertThat(logits[0]).isEqualTo(logits[1]);
        assertThat(plans[0].workspace()).isEqualTo(plans[1].workspace());
        assertThat(plans[0].kvCache()).isEqualTo(plans[1].kvCache());
    }

    static List<Path> references() throws IOException {
        return Conformance.isPresent() ? Conformance.files("archs2", ".gguf") : List.of(Path.of("no data"));
    }

    /** All architectures whose reference has such a block, which holds what it has besides: windows, indexers, several streams. */
    @ParameterizedTest
    @MethodSource("references")
    void blocksOfTheReferencesAreRead(Path file) throws IOException {
        assumeTrue(Conformance.isPresent(), Conformance.missing());
        try (GgufFile source = GgufFile.open(file)) {
            long blocks = source.tensors().stream()
                    .map(Tensor::name)
                    .filter(name -> name.endsWith(".nextn.eh_proj.weight"))
                    .count();
            if (Architectures.names().contains(source.metadata().requireString("general.architecture"))) {
                assertThat(Architectures.read(source, CONTEXT).predictionBlocks())
                        .hasSize((int) blocks);
            }
        }
    }

    private List<String> tensors(String name, int layers) throws IOException {
        try (GgufFile base = HostileModel.open(name, folder)) {
            return tensorsFrom(new HostileModel(base), layers);
        }
    }
}
