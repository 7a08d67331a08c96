package dev.nibble.testdata;

import dev.nibble.gguf.GgufWriter;
import dev.nibble.tensor.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * Tiny models with random weights in which a token sees those behind it: encoders, rerankers of several kinds, a decoder behind an
 * encoder, and diffusion models.
 */
public final class TinyEncoders {
    /** The template of {@code qwen3-rank}. */
    public static final String TEMPLATE =
            "<|im_start|>query: {query}<|im_end|><|x|>document: {document}<|im_end|><think></think>";

    private static final Map<String, Recipe> ALL = all();

    /** What makes one model. */
    private record Recipe(String architecture, Consumer<ModelSketch> tensors) {

        /** With a head that rates. */
        Recipe rating(Consumer<ModelSketch> head) {
            return new Recipe(
                    architecture,
                    tensors.andThen(model -> model.uint("pooling_type", 4)).andThen(head));
        }
    }

    private TinyEncoders() {}

    private static Map<String, Recipe> all() {
        Map<String, Recipe> all = new TreeMap<>();
        Recipe bert = new Recipe("bert", TinyEncoders::bert);
        all.put("bert-rank", bert.rating(TinyEncoders::twoMaps));
        all.put("bert-rank-direct", bert.rating(TinyEncoders::oneMap));
        all.put(
                "modern-bert-rank",
                new Recipe("modern-bert", TinyEncoders::modernBert).rating(TinyEncoders::normedMaps));
        all.put("qwen3-rank", new Recipe("qwen3", TinyEncoders::qwen3).rating(TinyEncoders::yesAndNo));
        all.put("jina-bert-v2", new Recipe("jina-bert-v2", TinyEncoders::jina));
        all.put("neo-bert", new Recipe("neo-bert", TinyEncoders::neoBert));
        all.put("t5encoder", new Recipe("t5encoder", TinyEncoders::t5Encoder));
        all.put("t5", new Recipe("t5", TinyEncoders::t5));
        all.put("dream", new Recipe("dream", m -> dense(m, 2)));
        all.put("llada", new Recipe("llada", m -> dense(m, 4)));
        all.put("llada-moe", new Recipe("llada-moe", m -> experts(m, 4)));
        all.put("rnd1", new Recipe("rnd1", m -> experts(m, 2)));
        return Collections.unmodifiableMap(all);
    }

    /** The names of all models. */
    public static Set<String> names() {
        return ALL.keySet();
    }

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
        model.write(file);
    }

    private static void keys(ModelSketch m) {
        m.dimensions(new ModelSketch.Dimensions(2, 32, 48, 4, 4, 8), 10000, 1e-5f)
                .bool("attention.causal", false);
    }

    private static void layerNorms(ModelSketch m) {
        keys(m);
        m.remove("attention.layer_norm_rms_epsilon").float32("attention.layer_norm_epsilon", 1e-5f);
    }

    private static void pairs(GgufWriter writer) {
        writer.putBoolean("tokenizer.ggml.add_bos_token", true)
                .putBoolean("tokenizer.ggml.add_eos_token", true)
                .putBoolean("tokenizer.ggml.add_sep_token", true)
                .putUint32("tokenizer.ggml.seperator_token_id", ByteVocabulary.PADDING);
    }

    private static void bert(ModelSketch m) {
        layerNorms(m);
        m.remove("rope.freq_base");
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
        layerNorms(m);
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

    /** ALiBi in place of positions, a gate, and the input of a layer added once more behind its attention. */
    private static void jina(ModelSketch m) {
        layerNorms(m);
        m.remove("rope.freq_base");
        int hidden = m.dimensions().hidden();
        m.embeddingOnly()
                .norm("token_embd_norm", hidden)
                .layers(layer -> layer.attention()
                        .norm("attn_output_norm")
                        .norm("attn_norm_2")
                        .bias("attn_norm_2", hidden)
                        .feedForward()
                        .norm("layer_output_norm"));
    }

    private static void neoBert(ModelSketch m) {
        keys(m);
        int hidden = m.dimensions().hidden();
        m.embeddingOnly()
                .norm("enc.output_norm", hidden)
                .layers(layer -> layer.norm("attn_norm")
                        .weight("attn_qkv", hidden, 3L * hidden)
                        .weight("attn_output", hidden, hidden)
                        .norm("ffn_norm")
                        .fusedFeedForward());
    }

    private static void t5Keys(ModelSketch m) {
        keys(m);
        m.remove("rope.freq_base")
                .remove("attention.causal")
                .float32("attention.layer_norm_epsilon", 1e-5f) // as files have it beside that of their norms
                .uint("attention.relative_buckets_count", 32)
                .with(writer -> writer.putBoolean("tokenizer.ggml.add_eos_token", true));
    }

    private static void t5Encoder(ModelSketch m) {
        t5Keys(m);
        m.embeddingOnly();
        stack(m, "enc", false);
    }

    /** The first token of an answer is that for padding. */
    private static void t5(ModelSketch m) {
        t5Keys(m);
        m.uint("decoder_start_token_id", ByteVocabulary.PADDING)
                .uint("decoder_block_count", m.dimensions().layers())
                .embedding(false);
        stack(m, "enc", false);
        stack(m, "dec", true);
    }

    private static void stack(ModelSketch m, String stack, boolean cross) {
        int hidden = m.dimensions().hidden();
        m.norm(stack + ".output_norm", hidden)
                .vector(stack + ".blk.0.attn_rel_b.weight", 0, 1, m.dimensions().heads(), 32);
        for (int layer = 0; layer < m.dimensions().layers(); layer++) {
            String block = stack + ".blk." + layer + ".";
            t5Attention(m, block + "attn");
            if (cross) {
                t5Attention(m, block + "cross_attn");
            }
            m.norm(block + "ffn_norm", hidden)
                    .weight(block + "ffn_gate.weight", hidden, m.dimensions().ffn())
                    .weight(block + "ffn_up.weight", hidden, m.dimensions().ffn())
                    .weight(block + "ffn_down.weight", m.dimensions().ffn(), hidden);
        }
    }

    private static void t5Attention(ModelSketch m, String name) {
        int hidden = m.dimensions().hidden();
        int width = m.dimensions().queryWidth();
        m.norm(name + "_norm", hidden)
                .weight(name + "_q.weight", hidden, width)
                .weight(name + "_k.weight", hidden, width)
                .weight(name + "_v.weight", hidden, width)
                .weight(name + "_o.weight", width, hidden);
    }

    /** A text of these may be longer than a batch of other models. */
    private static void diffusion(ModelSketch m, int kvHeads) {
        m.dimensions(new ModelSketch.Dimensions(2, 32, 48, 4, kvHeads, 8, ByteVocabulary.MIN_SIZE, 640), 10000, 1e-6f)
                .bool("attention.causal", false)
                .with(writer -> writer.putUint32("tokenizer.ggml.mask_token_id", ByteVocabulary.PADDING))
                .ends(false);
    }

    private static void dense(ModelSketch m, int kvHeads) {
        diffusion(m, kvHeads);
        m.layers(LayerSketch::llama);
    }

    private static void experts(ModelSketch m, int kvHeads) {
        diffusion(m, kvHeads);
        m.uint("expert_count", 4)
                .uint("expert_used_count", 2)
                .uint("expert_feed_forward_length", m.dimensions().ffn())
                .layers(layer -> layer.norm("attn_norm")
                        .attention()
                        .headNorms()
                        .norm("ffn_norm")
                        .experts(4, m.dimensions().ffn()));
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
