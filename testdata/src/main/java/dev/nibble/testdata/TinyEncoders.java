package dev.nibble.testdata;

import dev.nibble.gguf.GgufWriter;
import dev.nibble.tensor.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Tiny models with random weights that read texts and do not generate: encoders, and rerankers of several kinds. */
public final class TinyEncoders {
    /** The template of {@code qwen3-rank}. */
    public static final String TEMPLATE =
            "<|im_start|>query: {query}<|im_end|><|x|>document: {document}<|im_end|><think></think>";

    private static final Map<String, Recipe> ALL = Map.of(
            "bert-rank", new Recipe("bert", TinyEncoders::bert, TinyEncoders::twoMaps),
            "bert-rank-direct", new Recipe("bert", TinyEncoders::bert, TinyEncoders::oneMap),
            "modern-bert-rank", new Recipe("modern-bert", TinyEncoders::modernBert, TinyEncoders::normedMaps),
            "qwen3-rank", new Recipe("qwen3", TinyEncoders::qwen3, TinyEncoders::yesAndNo));

    /** What makes one model: the encoder, and the head that rates. */
    private record Recipe(String architecture, Consumer<ModelSketch> tensors, Consumer<ModelSketch> head) {}

    private TinyEncoders() {}

    /**
     * Writes a model in F32.
     *
     * @throws IllegalArgumentException if there is no model of this name
     */
    public static void write(String name, long seed, Path file) throws IOException {
        Recipe recipe = ALL.get(name);
        if (recipe == null) {
            throw new IllegalArgumentException("there is no tiny encoder '" + name + "', only " + ALL.keySet());
        }
        ModelSketch model = new ModelSketch(
                recipe.architecture(), "tiny random " + name, ModelSketch.TypeRule.all(DType.F32), 1, seed);
        recipe.tensors().accept(model);
        model.uint("pooling_type", 4);
        recipe.head().accept(model);
        model.write(file);
    }

    private static void keys(ModelSketch m) {
        m.dimensions(new ModelSketch.Dimensions(2, 32, 48, 4, 4, 8), 10000, 1e-5f)
                .float32("attention.layer_norm_epsilon", 1e-5f)
                .bool("attention.causal", false);
    }

    private static void pairs(GgufWriter writer) {
        writer.putBoolean("tokenizer.ggml.add_bos_token", true)
                .putBoolean("tokenizer.ggml.add_eos_token", true)
                .putBoolean("tokenizer.ggml.add_sep_token", true)
                .putUint32("tokenizer.ggml.seperator_token_id", ByteVocabulary.PADDING);
    }

    private static void bert(ModelSketch m) {
        keys(m);
        m.with(TinyEncoders::pairs);
        int hidden = m.dimensions().hidden();
        m.embeddingOnly()
                .norm("token_embd_norm", hidden)
                .weight("position_embd.weight", hidden, m.dimensions().context())
                .layers(layer -> layer.attention()
                        .norm("attn_output_norm")
                        .norm("layer_output_norm")
                        .bias("layer_output_norm", hidden)
                        .weight("ffn_up", hidden, m.dimensions().ffn())
                        .weight("ffn_down", m.dimensions().ffn(), hidden));
    }

    private static void modernBert(ModelSketch m) {
        keys(m);
        m.with(TinyEncoders::pairs);
        m.uint("attention.sliding_window", 8).float32("rope.freq_base_swa", 500);
        int hidden = m.dimensions().hidden();
        m.embeddingOnly()
                .norm("token_embd_norm", hidden)
                .norm("output_norm", hidden)
                .layers(layer -> (layer.index() == 0 ? layer : layer.norm("attn_norm"))
                        .attention()
                        .norm("ffn_norm")
                        .fusedFeedForward());
    }

    private static void qwen3(ModelSketch m) {
        m.dimensions(new ModelSketch.Dimensions(2, 32, 48, 4, 2, 8), 10000, 1e-6f)
                .with(writer -> writer.putString("tokenizer.chat_template.rerank", TEMPLATE));
        m.embeddingOnly()
                .norm("output_norm", m.dimensions().hidden())
                .layers(layer -> layer.llama().headNorms());
    }

    private static void twoMaps(ModelSketch m) {
        int hidden = m.dimensions().hidden();
        m.weight("cls.weight", hidden, hidden)
                .vector("cls.bias", 0, 0.3f, hidden)
                .weight("cls.output.weight", hidden, 1)
                .vector("cls.output.bias", 0, 0.3f, 1);
    }

    private static void oneMap(ModelSketch m) {
        m.weight("cls.output.weight", m.dimensions().hidden(), 3);
        labels(m, "good", "so so", "bad");
    }

    private static void normedMaps(ModelSketch m) {
        int hidden = m.dimensions().hidden();
        m.weight("cls.weight", hidden, hidden).norm("cls.norm", hidden).weight("cls.output.weight", hidden, 1);
    }

    private static void yesAndNo(ModelSketch m) {
        m.weight("cls.output.weight", m.dimensions().hidden(), 2);
        labels(m, "yes", "no");
    }

    private static void labels(ModelSketch m, String... labels) {
        m.strings("classifier.output_labels", List.of(labels));
    }
}
