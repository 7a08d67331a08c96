package dev.nibble.testdata;

import dev.nibble.testdata.ModelSketch.Dimensions;
import dev.nibble.testdata.TinyArchitectures.Recipe;
import java.util.Map;

/** The tiny models with latent attention. */
final class TinyDeepSeeks {
    /** Elements of a query head that are not rotated, that are, and of a value head. */
    private static final int PLAIN = 24;

    private static final int ROTATED = 16;
    private static final int VALUE = 20;

    /** Elements of the latent, and of what the queries are made from. */
    private static final int LATENT = 32;

    private static final int QUERY_RANK = 48;

    private TinyDeepSeeks() {}

    static void addTo(Map<String, Recipe> all) {
        all.put("deepseek2", new Recipe("deepseek2", TinyDeepSeeks::grouped));
        all.put("deepseek2-lite", new Recipe("deepseek2", TinyDeepSeeks::lite));
        all.put("deepseek2-fused", new Recipe("deepseek2", TinyDeepSeeks::fused));
        all.put("deepseek2-dense", new Recipe("deepseek2", TinyDeepSeeks::dense));
    }

    private static ModelSketch keys(ModelSketch m, Dimensions dimensions, int denseLayers) {
        m.dimensions(dimensions, 10000, 1e-6f);
        return m.uint("rope.dimension_count", ROTATED)
                .uint("attention.kv_lora_rank", m.rounded(LATENT))
                .uint("attention.key_length", m.rounded(LATENT) + ROTATED)
                .uint("attention.value_length", m.rounded(LATENT))
                .uint("attention.key_length_mla", plain(m) + ROTATED)
                .uint("attention.value_length_mla", m.rounded(VALUE))
                .uint("leading_dense_block_count", denseLayers);
    }

    private static int plain(ModelSketch m) {
        return m.rounded(PLAIN);
    }

    private static ModelSketch expertKeys(ModelSketch m, int count, int used, int size, int shared) {
        return m.uint("expert_count", count)
                .uint("expert_used_count", used)
                .uint("expert_feed_forward_length", m.rounded(size))
                .uint("expert_shared_count", shared);
    }

    private static ModelSketch yarn(ModelSketch m, float factor) {
        return m.string("rope.scaling.type", "yarn")
                .float32("rope.scaling.factor", factor)
                .uint("rope.scaling.original_context_length", 32);
    }

    private static LayerSketch query(ModelSketch m, LayerSketch layer, boolean lowRank) {
        int hidden = m.dimensions().hidden();
        long width = (long) m.dimensions().heads() * (plain(m) + ROTATED);
        int rank = m.rounded(QUERY_RANK);
        return lowRank
                ? layer.weight("attn_q_a", hidden, rank)
                        .norm("attn_q_a_norm", rank)
                        .weight("attn_q_b", rank, width)
                : layer.weight("attn_q", hidden, width);
    }

    private static LayerSketch latent(ModelSketch m, LayerSketch layer) {
        int hidden = m.dimensions().hidden();
        int latent = m.rounded(LATENT);
        return layer.weight("attn_kv_a_mqa", hidden, (long) latent + ROTATED)
                .norm("attn_kv_a_norm", latent)
                .weight("attn_output", (long) m.dimensions().heads() * m.rounded(VALUE), hidden);
    }

    private static LayerSketch attention(ModelSketch m, LayerSketch layer, boolean lowRank) {
        int heads = m.dimensions().heads();
        int latent = m.rounded(LATENT);
        return latent(m, query(m, layer, lowRank))
                .weight("attn_k_b", plain(m), latent, heads)
                .weight("attn_v_b", latent, m.rounded(VALUE), heads);
    }

    private static void feedForward(ModelSketch m, LayerSketch layer, int count, int size, int shared) {
        int rounded = m.rounded(size);
        layer.experts(count, rounded).feedForward("_shexp", shared * rounded);
    }

    /** As V3: queries of low rank, sigmoids with a bias, four groups of which two are chosen from, YaRN. */
    private static void grouped(ModelSketch m) {
        keys(m, new Dimensions(3, 96, 160, 4, 1, 40), 1).uint("attention.q_lora_rank", m.rounded(QUERY_RANK));
        yarn(expertKeys(m, 16, 3, 48, 1), 8)
                .float32("rope.scaling.yarn_log_multiplier", 0.1f)
                .uint("expert_group_count", 4)
                .uint("expert_group_used_count", 2)
                .uint("expert_gating_func", 2)
                .float32("expert_weights_scale", 2.5f)
                .bool("expert_weights_norm", true)
                .ends(false)
                .layers(layer -> {
                    attention(m, layer.norm("attn_norm"), true).norm("ffn_norm");
                    if (layer.index() == 0) {
                        layer.feedForward();
                    } else {
                        feedForward(m, layer, 16, 48, 1);
                        layer.bias("exp_probs_b", 16);
                    }
                });
    }

    /** As V2-Lite, which llama.cpp tells by its 27 layers: plain queries, softmax, two shared experts in one. */
    private static void lite(ModelSketch m) {
        keys(m, new Dimensions(27, 64, 96, 4, 1, 40), 1);
        yarn(expertKeys(m, 8, 2, 32, 2), 40)
                .float32("rope.scaling.yarn_log_multiplier", 0.0707f)
                .float32("expert_weights_scale", 1)
                .ends(false)
                .layers(layer -> {
                    attention(m, layer.norm("attn_norm"), false).norm("ffn_norm");
                    if (layer.index() == 0) {
                        layer.feedForward();
                    } else {
                        feedForward(m, layer, 8, 32, 2);
                    }
                });
    }

    /** An older file: keys and values from one matrix, as many key-value heads as heads, YaRN without multiplier. */
    private static void fused(ModelSketch m) {
        keys(m, new Dimensions(2, 96, 160, 4, 4, 40), 1)
                .uint("attention.q_lora_rank", m.rounded(QUERY_RANK))
                .uint("attention.key_length", plain(m) + ROTATED)
                .uint("attention.value_length", m.rounded(VALUE))
                .remove("attention.key_length_mla")
                .remove("attention.value_length_mla");
        int latent = m.rounded(LATENT);
        long width = (long) m.dimensions().heads() * (plain(m) + m.rounded(VALUE));
        yarn(expertKeys(m, 8, 2, 48, 1), 4).ends(false).layers(layer -> {
            latent(m, query(m, layer.norm("attn_norm"), true))
                    .weight("attn_kv_b", latent, width)
                    .norm("ffn_norm");
            if (layer.index() == 0) {
                layer.feedForward();
            } else {
                feedForward(m, layer, 8, 48, 1);
            }
        });
    }

    /** No experts, no scaling, queries that grow with the position, a tied output. */
    private static void dense(ModelSketch m) {
        keys(m, new Dimensions(2, 96, 160, 4, 1, 40), 2)
                .uint("attention.q_lora_rank", m.rounded(QUERY_RANK))
                .uint("expert_feed_forward_length", m.dimensions().ffn())
                .uint("expert_shared_count", 0)
                .float32("attention.temperature_scale", 0.1f)
                .uint("attention.temperature_length", 8)
                .ends(true)
                .layers(layer -> attention(m, layer.norm("attn_norm"), true)
                        .norm("ffn_norm")
                        .feedForward());
    }
}
