package dev.nibble.testdata;

import dev.nibble.testdata.ModelSketch.Dimensions;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;

/** The keys and tensors of each tiny model. Names and shapes are those that llama.cpp's converter gives them. */
final class TinyArchitectures {
    /** What makes one model. */
    record Recipe(String architecture, Consumer<ModelSketch> tensors) {}

    static final Map<String, Recipe> ALL = all();

    private static final int WINDOW = 16;

    private TinyArchitectures() {}

    static Recipe get(String name) {
        Recipe recipe = ALL.get(name);
        if (recipe == null) {
            throw new IllegalArgumentException(
                    "there is no tiny model '" + name + "', only " + String.join(", ", ALL.keySet()));
        }
        return recipe;
    }

    private static Map<String, Recipe> all() {
        Map<String, Recipe> all = new LinkedHashMap<>();
        all.put("llama", new Recipe("llama", m -> llama(m, 3, false)));
        all.put("llama-tied", new Recipe("llama", TinyArchitectures::llamaTied));
        all.put("llama-ropefreqs", new Recipe("llama", TinyArchitectures::llamaRopeFreqs));
        all.put("llama-linear", new Recipe("llama", TinyArchitectures::llamaLinear));
        all.put("llama-yarn", new Recipe("llama", TinyArchitectures::llamaYarn));
        all.put("llama-bias", new Recipe("llama", m -> llama(m, 2, true)));
        all.put("llama-moe", new Recipe("llama", TinyArchitectures::llamaExperts));
        all.put("qwen2", new Recipe("qwen2", TinyArchitectures::qwen2));
        all.put("qwen3", new Recipe("qwen3", TinyArchitectures::qwen3));
        all.put("qwen3moe", new Recipe("qwen3moe", TinyArchitectures::qwen3Experts));
        all.put("gemma2", new Recipe("gemma2", TinyArchitectures::gemma2));
        all.put("gemma3", new Recipe("gemma3", TinyArchitectures::gemma3));
        all.put("phi3", new Recipe("phi3", TinyArchitectures::phi3));
        all.put("phi3-longrope", new Recipe("phi3", TinyArchitectures::phi3LongRope));
        all.put("granite", new Recipe("granite", TinyArchitectures::granite));
        all.put("granitemoe", new Recipe("granitemoe", TinyArchitectures::graniteExperts));
        all.put("smollm3", new Recipe("smollm3", TinyArchitectures::smolLm3));
        all.put("olmo2", new Recipe("olmo2", TinyArchitectures::olmo2));
        all.put("olmo3", new Recipe("olmo2", TinyArchitectures::olmo3));
        all.put("mistral3", new Recipe("mistral3", TinyArchitectures::mistral3));
        all.put("glm4", new Recipe("glm4", TinyArchitectures::glm4));
        all.put("glm4moe", new Recipe("glm4moe", m -> glm4Experts(m, false, false)));
        all.put("glm4moe-vision", new Recipe("glm4moe", m -> glm4Experts(m, true, false)));
        all.put("glm4moe-mtp", new Recipe("glm4moe", m -> glm4Experts(m, false, true)));
        all.put("deepseek", new Recipe("deepseek", TinyArchitectures::deepSeek));
        all.put("gpt-oss", new Recipe("gpt-oss", TinyArchitectures::gptOss));
        TinyHybrids.addTo(all);
        TinyRelatives.addTo(all);
        return Collections.unmodifiableMap(all);
    }

    /** The head size is not hidden / heads, as in most of these models. */
    private static Dimensions wideHeads(int layers) {
        return new Dimensions(layers, 96, 160, 4, 2, 32);
    }

    private static Dimensions plain(int layers) {
        return new Dimensions(layers, 128, 160, 4, 2, 32);
    }

    private static ModelSketch llamaKeys(ModelSketch m, Dimensions dimensions, float ropeBase) {
        m.dimensions(dimensions, ropeBase, 1e-5f);
        return m.uint("rope.dimension_count", m.dimensions().headDim());
    }

    private static void llama(ModelSketch m, int layers, boolean bias) {
        llamaKeys(m, wideHeads(layers), 10000).ends(false).layers(layer -> {
            layer.llama();
            if (bias) {
                layer.attentionBias().bias("attn_output", m.dimensions().hidden());
            }
        });
    }

    /** No output matrix, no key_length, as many key-value heads as heads. */
    private static void llamaTied(ModelSketch m) {
        llamaKeys(m, new Dimensions(2, 128, 160, 4, 4, 32), 10000)
                .remove("attention.key_length")
                .remove("attention.value_length")
                .ends(true)
                .layers(LayerSketch::llama);
    }

    /** Llama 3.1: a divisor for each pair's angle, from 1 for the fastest to 8 for the slowest. */
    private static void llamaRopeFreqs(ModelSketch m) {
        llamaKeys(m, wideHeads(2), 500000);
        float[] divisors = new float[m.dimensions().headDim() / 2];
        for (int i = 0; i < divisors.length; i++) {
            divisors[i] = Math.clamp(1 + 1.5f * (i - 1), 1, 8);
        }
        m.values("rope_freqs.weight", divisors).ends(false).layers(LayerSketch::llama);
    }

    private static void llamaLinear(ModelSketch m) {
        llamaKeys(m, wideHeads(2), 10000)
                .string("rope.scaling.type", "linear")
                .float32("rope.scaling.factor", 4)
                .ends(false)
                .layers(LayerSketch::llama);
    }

    private static void llamaYarn(ModelSketch m) {
        yarn(llamaKeys(m, wideHeads(2), 10000), 4, 64).ends(false).layers(LayerSketch::llama);
    }

    private static ModelSketch yarn(ModelSketch m, float factor, int originalContext) {
        return m.string("rope.scaling.type", "yarn")
                .float32("rope.scaling.factor", factor)
                .uint("rope.scaling.original_context_length", originalContext);
    }

    private static ModelSketch expertKeys(ModelSketch m, int count, int used, int ffn) {
        return m.uint("expert_count", count)
                .uint("expert_used_count", used)
                .uint("expert_feed_forward_length", m.rounded(ffn));
    }

    private static void llamaExperts(ModelSketch m) {
        llamaKeys(m, new Dimensions(2, 96, 96, 4, 2, 32), 1000000)
                .uint("expert_count", 4)
                .uint("expert_used_count", 2)
                .ends(false)
                .layers(layer -> layer.norm("attn_norm")
                        .attention()
                        .norm("ffn_norm")
                        .experts(4, m.dimensions().ffn()));
    }

    private static void qwen2(ModelSketch m) {
        m.dimensions(plain(2), 1000000, 1e-6f)
                .remove("attention.key_length")
                .remove("attention.value_length")
                .ends(false)
                .layers(layer -> layer.llama().attentionBias());
    }

    private static void qwen3(ModelSketch m) {
        m.dimensions(wideHeads(2), 1000000, 1e-6f)
                .ends(true)
                .layers(layer -> layer.llama().headNorms());
    }

    private static void qwen3Experts(ModelSketch m) {
        expertKeys(m.dimensions(wideHeads(2), 1000000, 1e-6f), 8, 2, 64)
                .ends(false)
                .layers(layer -> layer.norm("attn_norm")
                        .attention()
                        .headNorms()
                        .norm("ffn_norm")
                        .experts(8, m.rounded(64)));
    }

    private static LayerSketch postNorms(LayerSketch layer) {
        return layer.norm("post_attention_norm").norm("post_ffw_norm");
    }

    private static void gemma2(ModelSketch m) {
        m.dimensions(wideHeads(4), 10000, 1e-6f)
                .float32("attn_logit_softcapping", 5)
                .float32("final_logit_softcapping", 4)
                .uint("attention.sliding_window", WINDOW)
                .ends(true)
                .layers(layer -> postNorms(layer.llama()));
    }

    private static void gemma3(ModelSketch m) {
        m.dimensions(new Dimensions(7, 64, 160, 4, 2, 32), 1000000, 1e-6f)
                .uint("attention.sliding_window", WINDOW)
                .ends(true)
                .layers(layer -> postNorms(layer.llama()).headNorms());
    }

    private static ModelSketch phi3Keys(ModelSketch m, int rotated, int originalContext, int window) {
        return m.dimensions(plain(2), 10000, 1e-5f)
                .remove("attention.key_length")
                .remove("attention.value_length")
                .uint("rope.dimension_count", rotated)
                .uint("rope.scaling.original_context_length", originalContext)
                .uint("attention.sliding_window", window);
    }

    private static void phi3Layers(ModelSketch m) {
        Dimensions d = m.dimensions();
        m.ends(false)
                .layers(layer -> layer.norm("attn_norm")
                        .weight("attn_qkv", d.hidden(), d.queryWidth() + 2L * d.kvWidth())
                        .weight("attn_output", d.queryWidth(), d.hidden())
                        .norm("ffn_norm")
                        .fusedFeedForward());
    }

    private static void phi3(ModelSketch m) {
        phi3Keys(m, 32, 256, 0);
        phi3Layers(m);
    }

    /** Partial rotation, and a context longer than the original one, so that the long factors apply. */
    private static void phi3LongRope(ModelSketch m) {
        phi3Keys(m, 24, 32, 262144)
                .float32("rope.scaling.attn_factor", 1.19f)
                .vector("rope_factors_long.weight", 6, 1, 12)
                .vector("rope_factors_short.weight", 1.3f, 0.1f, 12);
        phi3Layers(m);
    }

    private static ModelSketch graniteKeys(ModelSketch m, Dimensions dimensions) {
        llamaKeys(m, dimensions, 10000)
                .remove("attention.key_length")
                .remove("attention.value_length")
                .float32("attention.scale", 0.05f);
        return graniteScales(m);
    }

    static ModelSketch graniteScales(ModelSketch m) {
        return m.float32("embedding_scale", 6).float32("residual_scale", 0.35f).float32("logit_scale", 4);
    }

    private static void granite(ModelSketch m) {
        graniteKeys(m, plain(2)).ends(true).layers(LayerSketch::llama);
    }

    /** Experts, and one that is always used. */
    private static void graniteExperts(ModelSketch m) {
        int shared = m.rounded(64);
        graniteKeys(m, new Dimensions(2, 128, 64, 4, 2, 32))
                .uint("expert_count", 8)
                .uint("expert_used_count", 2)
                .uint("expert_shared_feed_forward_length", shared)
                .ends(false)
                .layers(layer -> layer.norm("attn_norm")
                        .attention()
                        .norm("ffn_norm")
                        .experts(8, m.dimensions().ffn())
                        .feedForward("_shexp", shared));
    }

    private static void smolLm3(ModelSketch m) {
        llamaKeys(m, new Dimensions(4, 96, 160, 4, 2, 24), 5000000)
                .remove("attention.key_length")
                .remove("attention.value_length")
                .ends(true)
                .layers(LayerSketch::llama);
    }

    /** Norms only behind attention and feed-forward; norms over all heads together. */
    private static void olmo2Layers(ModelSketch m) {
        Dimensions d = m.dimensions();
        m.ends(false)
                .layers(layer -> postNorms(layer.attention()
                                .norm("attn_q_norm", d.queryWidth())
                                .norm("attn_k_norm", d.kvWidth()))
                        .feedForward());
    }

    private static void olmo2(ModelSketch m) {
        m.dimensions(plain(2), 500000, 1e-6f).remove("attention.key_length").remove("attention.value_length");
        olmo2Layers(m);
    }

    private static void olmo3(ModelSketch m) {
        m.dimensions(new Dimensions(4, 64, 160, 4, 2, 16), 500000, 1e-6f)
                .remove("attention.key_length")
                .remove("attention.value_length")
                .uint("attention.sliding_window", WINDOW)
                .booleans("attention.sliding_window_pattern", true, true, true, false);
        yarn(m, 8, 32)
                .float32("rope.scaling.yarn_attn_factor", 1.2079442f)
                .float32("rope.scaling.yarn_beta_fast", 32)
                .float32("rope.scaling.yarn_beta_slow", 1);
        olmo2Layers(m);
    }

    private static void mistral3(ModelSketch m) {
        yarn(llamaKeys(m, wideHeads(2), 1000000), 16, 16)
                .float32("rope.scaling.yarn_beta_fast", 32)
                .float32("rope.scaling.yarn_beta_slow", 1)
                .float32("rope.scaling.yarn_log_multiplier", 1)
                .float32("attention.temperature_scale", 0.1f)
                .ends(false)
                .layers(LayerSketch::llama);
    }

    private static void glm4(ModelSketch m) {
        m.dimensions(plain(2), 10000, 1e-5f)
                .remove("attention.key_length")
                .remove("attention.value_length")
                .uint("rope.dimension_count", 16)
                .ends(false)
                .layers(layer -> postNorms(layer.norm("attn_norm").attention().attentionBias())
                        .norm("ffn_norm")
                        .fusedFeedForward());
    }

    /** Partial rotation, biases; heads are normalized or pairs follow axes. The block that predicts is counted, if not there. */
    private static void glm4Experts(ModelSketch m, boolean vision, boolean predicts) {
        int ffn = m.rounded(48);
        expertKeys(m.dimensions(wideHeads(predicts ? 3 : 2), 1000000, 1e-5f), 8, 2, 48)
                .uint("block_count", 3)
                .uint("nextn_predict_layers", 1)
                .uint("rope.dimension_count", 16)
                .uint("expert_shared_count", 1)
                .uint("leading_dense_block_count", 1)
                .bool("expert_weights_norm", true)
                .float32("expert_weights_scale", 1.5f);
        if (vision) {
            m.ints("rope.dimension_sections", 3, 2, 2, 1);
        }
        m.ends(false).layers(layer -> {
            layer.norm("attn_norm").attention().attentionBias().norm("post_attention_norm");
            if (!vision) {
                layer.headNorms();
            }
            if (layer.index() == 0) {
                layer.feedForward();
            } else {
                layer.experts(8, ffn).bias("exp_probs_b", 8).feedForward("_shexp", ffn);
            }
            if (layer.index() == 2) {
                layer.prediction(true);
            }
        });
    }

    /** Weights that do not add up to one, two shared experts in one. */
    private static void deepSeek(ModelSketch m) {
        int ffn = m.rounded(48);
        expertKeys(llamaKeys(m, plain(2), 10000), 8, 3, 48)
                .remove("attention.key_length")
                .remove("attention.value_length")
                .uint("expert_shared_count", 2)
                .uint("leading_dense_block_count", 1)
                .float32("expert_weights_scale", 1)
                .ends(false)
                .layers(layer -> {
                    layer.norm("attn_norm").attention().norm("ffn_norm");
                    if (layer.index() == 0) {
                        layer.feedForward();
                    } else {
                        layer.experts(8, ffn).feedForward("_shexp", 2 * ffn);
                    }
                });
    }

    /** Biases everywhere, sinks, experts with biases; post_attention_norm is the norm before the feed-forward. */
    private static void gptOss(ModelSketch m) {
        m.dimensions(new Dimensions(2, 96, 96, 4, 2, 32), 150000, 1e-5f).uint("attention.sliding_window", WINDOW);
        int ffn = m.rounded(96);
        int hidden = m.dimensions().hidden();
        yarn(expertKeys(m, 4, 2, 96), 8, 32)
                .ends(false)
                .layers(layer -> layer.norm("attn_norm")
                        .attention()
                        .attentionBias()
                        .bias("attn_output", hidden)
                        .vector("attn_sinks.weight", 2, 1, m.dimensions().heads())
                        .norm("post_attention_norm")
                        .experts(4, ffn)
                        .bias("ffn_gate_inp", 4)
                        .bias("ffn_gate_exps", ffn, 4)
                        .bias("ffn_up_exps", ffn, 4)
                        .bias("ffn_down_exps", hidden, 4));
    }
}
