package dev.nibble.testdata;

import dev.nibble.testdata.ModelSketch.Dimensions;
import dev.nibble.testdata.TinyArchitectures.Recipe;
import java.util.Map;

/** The tiny models that choose keys, whose delta nets fade element by element, or that have several residual streams. */
final class TinyStreams {
    /** Elements of a query head that are not rotated, that are or would be, and of a value head. */
    private static final int PLAIN = 24;

    private static final int ROTATED = 16;
    private static final int VALUE = 20;

    private static final int LATENT = 32;
    private static final int QUERY_RANK = 48;

    /** Heads of an indexer, elements of its keys, and how many keys it chooses. */
    private static final int INDEX_HEADS = 6;

    private static final int INDEX_KEY = 32;
    private static final int CHOSEN = 24;

    private static final int EXPERTS = 8;
    private static final int EXPERT_SIZE = 48;
    private static final int STREAMS = 4;

    private TinyStreams() {}

    static void addTo(Map<String, Recipe> all) {
        all.put("glm-dsa", new Recipe("glm-dsa", TinyStreams::glmDsa));
        all.put("kimi-linear", new Recipe("kimi-linear", TinyStreams::kimiLinear));
        all.put("kimi-k3", new Recipe("kimi-k3", TinyStreams::kimiK3));
        all.put("minimax-01", new Recipe("minimax-01", TinyStreams::miniMax));
        all.put("hy_v4", new Recipe("hy_v4", TinyStreams::hunyuan));
        all.put("glm5-next", new Recipe("glm5-next", TinyStreams::glm5));
        all.put("deepseek4", new Recipe("deepseek4", TinyStreams::deepSeek));
    }

    private static ModelSketch latentKeys(ModelSketch m, int layers) {
        m.dimensions(new Dimensions(layers, 64, 96, 4, 1, 40), 10000, 1e-6f);
        return m.uint("rope.dimension_count", ROTATED)
                .uint("attention.kv_lora_rank", m.rounded(LATENT))
                .uint("attention.q_lora_rank", m.rounded(QUERY_RANK))
                .uint("attention.key_length", m.rounded(LATENT) + ROTATED)
                .uint("attention.value_length", m.rounded(LATENT))
                .uint("attention.key_length_mla", m.rounded(PLAIN) + ROTATED)
                .uint("attention.value_length_mla", m.rounded(VALUE))
                .uint("leading_dense_block_count", 1)
                .uint("expert_count", EXPERTS)
                .uint("expert_used_count", 2)
                .uint("expert_feed_forward_length", m.rounded(EXPERT_SIZE))
                .uint("expert_shared_count", 1)
                .uint("expert_gating_func", 2)
                .bool("expert_weights_norm", true);
    }

    private static void latentAttention(ModelSketch m, LayerSketch layer) {
        int hidden = m.dimensions().hidden();
        int heads = m.dimensions().heads();
        int latent = m.rounded(LATENT);
        int rank = m.rounded(QUERY_RANK);
        layer.weight("attn_q_a", hidden, rank)
                .norm("attn_q_a_norm", rank)
                .weight("attn_q_b", rank, (long) heads * (m.rounded(PLAIN) + ROTATED))
                .weight("attn_kv_a_mqa", hidden, (long) latent + ROTATED)
                .norm("attn_kv_a_norm", latent)
                .weight("attn_k_b", m.rounded(PLAIN), latent, heads)
                .weight("attn_v_b", latent, m.rounded(VALUE), heads)
                .weight("attn_output", (long) heads * m.rounded(VALUE), hidden);
    }

    private static ModelSketch indexerKeys(ModelSketch m) {
        return m.uint("attention.indexer.head_count", INDEX_HEADS)
                .uint("attention.indexer.key_length", INDEX_KEY)
                .uint("attention.indexer.top_k", CHOSEN)
                .ints("attention.indexer.types", 1, 0, 1);
    }

    private static void indexer(ModelSketch m, LayerSketch layer) {
        int hidden = m.dimensions().hidden();
        if (layer.index() != 1) {
            layer.weight("indexer.attn_q_b", m.rounded(QUERY_RANK), INDEX_HEADS * INDEX_KEY)
                    .weight("indexer.attn_k", hidden, INDEX_KEY)
                    .norm("indexer.k_norm", INDEX_KEY)
                    .bias("indexer.k_norm", INDEX_KEY)
                    .weight("indexer.proj", hidden, INDEX_HEADS);
        }
    }

    private static void feedForward(ModelSketch m, LayerSketch layer) {
        layer.norm("ffn_norm");
        if (layer.index() == 0) {
            layer.feedForward();
        } else {
            layer.experts(EXPERTS, m.rounded(EXPERT_SIZE))
                    .bias("exp_probs_b", EXPERTS)
                    .feedForward("_shexp", m.rounded(EXPERT_SIZE));
        }
    }

    private static void glmDsa(ModelSketch m) {
        indexerKeys(latentKeys(m, 3)).ends(false).layers(layer -> {
            latentAttention(m, layer.norm("attn_norm"));
            indexer(m, layer);
            feedForward(m, layer);
        });
    }

    private static int deltaSize(ModelSketch m) {
        return m.rounded(16);
    }

    private static ModelSketch deltaKeys(ModelSketch m) {
        return latentKeys(m, 3)
                .ints("attention.head_count_kv", 0, 1, 0)
                .uint("ssm.conv_kernel", 4)
                .uint("kda.head_dim", deltaSize(m));
    }

    private static void deltaAttention(ModelSketch m, LayerSketch layer) {
        int hidden = m.dimensions().hidden();
        int heads = m.dimensions().heads();
        int size = deltaSize(m);
        int width = heads * size;
        for (String part : new String[] {"q", "k", "v"}) {
            layer.weight("attn_" + part, hidden, width).vector("ssm_conv1d_" + part + ".weight", 0, 0.5f, 4, 1, width);
        }
        layer.weight("ssm_f_a", hidden, size)
                .weight("ssm_f_b", size, width)
                .weight("ssm_beta", hidden, heads)
                .vector("ssm_dt.bias", 0, 0.5f, width)
                .vector("ssm_a", -0.7f, 0.1f, heads)
                .norm("ssm_norm", size)
                .weight("attn_output", width, hidden);
    }

    private static void kimiLinear(ModelSketch m) {
        deltaKeys(m).ends(false).layers(layer -> {
            layer.norm("attn_norm");
            if (layer.index() == 1) {
                latentAttention(m, layer);
            } else {
                deltaAttention(m, layer);
                layer.weight("ssm_g_a", m.dimensions().hidden(), deltaSize(m))
                        .weight("ssm_g_b", deltaSize(m), (long) m.dimensions().heads() * deltaSize(m));
            }
            feedForward(m, layer);
        });
    }

    /** Every second layer keeps the stream; the experts work in a narrower space. */
    private static void kimiK3(ModelSketch m) {
        int narrow = m.rounded(32);
        deltaKeys(m)
                .float32("kda.gate_lower_bound", -5)
                .uint("attn_res.block_size", 2)
                .uint("expert_latent_length", narrow)
                .float32("activation.situ_beta", 1.5f)
                .float32("activation.situ_linear_beta", 2)
                .ends(false);
        int hidden = m.dimensions().hidden();
        m.vector("output_res_score.weight", 0, 1, hidden).layers(layer -> {
            layer.norm("attn_norm")
                    .vector("attn_res_score.weight", 0, 1, hidden)
                    .vector("ffn_res_score.weight", 0, 1, hidden);
            if (layer.index() == 1) {
                latentAttention(m, layer);
                layer.weight("attn_gate", hidden, (long) m.dimensions().heads() * m.rounded(VALUE));
            } else {
                deltaAttention(m, layer);
                layer.weight("ssm_g", hidden, (long) m.dimensions().heads() * deltaSize(m));
            }
            layer.norm("ffn_norm");
            if (layer.index() == 0) {
                layer.feedForward();
                return;
            }
            int size = m.rounded(EXPERT_SIZE);
            layer.plainWeight("ffn_gate_inp", hidden, EXPERTS)
                    .weight("ffn_gate_exps", narrow, size, EXPERTS)
                    .weight("ffn_up_exps", narrow, size, EXPERTS)
                    .weight("ffn_down_exps", size, narrow, EXPERTS)
                    .bias("exp_probs_b", EXPERTS)
                    .feedForward("_shexp", size)
                    .weight("ffn_routed_down", hidden, narrow)
                    .norm("ffn_routed_norm", narrow)
                    .weight("ffn_routed_up", narrow, hidden);
        });
    }

    private static void miniMax(ModelSketch m) {
        m.dimensions(new Dimensions(3, 64, 48, 4, 2, 16), 10000000, 1e-5f)
                .uint("rope.dimension_count", 8)
                .uint("expert_count", EXPERTS)
                .uint("expert_used_count", 2)
                .float32("residual_scale", 1.5f)
                .uint("full_attention_interval", 2)
                .ends(false);
        int hidden = m.dimensions().hidden();
        int width = m.dimensions().queryWidth();
        m.layers(layer -> {
            layer.norm("attn_norm");
            if (layer.index() == 1) {
                layer.attention();
            } else {
                layer.norm("attn_norm_2", width)
                        .weight("attn_qkv", hidden, 3L * width)
                        .weight("attn_gate", hidden, width)
                        .weight("attn_output", width, hidden);
            }
            layer.norm("ffn_norm").experts(EXPERTS, m.dimensions().ffn());
        });
    }

    private static void hunyuan(ModelSketch m) {
        indexerKeys(latentKeys(m, 3))
                .float32("swiglu_clamp_exp", 0.7f)
                .uint("hyper_connection.count", STREAMS)
                .float32("hyper_connection.epsilon", 1e-6f)
                .float32("hyper_connection.magnitude", 2)
                .ends(false);
        int hidden = m.dimensions().hidden();
        int heads = m.dimensions().heads();
        lastConnection(m).layers(layer -> {
            connections(m, layer, 2 * STREAMS, 2);
            latentAttention(m, layer.norm("attn_norm"));
            layer.vector("attn_sinks.weight", 0, 1, heads).weight("attn_gate", hidden, (long) heads * m.rounded(VALUE));
            indexer(m, layer);
            feedForward(m, layer);
        });
    }

    private static void connections(ModelSketch m, LayerSketch layer, int outputs, int kinds) {
        for (String part : new String[] {"attn", "ffn"}) {
            layer.plainWeight("hc_" + part + "_fn", STREAMS * m.dimensions().hidden(), outputs)
                    .vector("hc_" + part + "_base.weight", 0, 0.3f, outputs)
                    .vector("hc_" + part + "_scale.weight", 1, 0.1f, kinds);
        }
    }

    private static void mixingConnections(ModelSketch m, LayerSketch layer) {
        connections(m, layer, (2 + STREAMS) * STREAMS, 3);
    }

    private static ModelSketch lastConnection(ModelSketch m) {
        return m.vector("output_hc_fn.weight", 0, 0.1f, STREAMS * m.dimensions().hidden(), STREAMS)
                .vector("output_hc_base.weight", 0, 0.3f, STREAMS)
                .vector("output_hc_scale.weight", 1, 0.1f, 1);
    }

    private static ModelSketch mixingKeys(ModelSketch m) {
        return m.uint("hyper_connection.count", STREAMS)
                .float32("hyper_connection.epsilon", 1e-6f)
                .uint("hyper_connection.sinkhorn_iterations", 4)
                .float32("swiglu_clamp_exp", 0.8f);
    }

    /** Keys are chosen in pools of four. */
    private static void glm5(ModelSketch m) {
        mixingKeys(deltaKeys(m))
                .uint("rope.dimension_count", ROTATED)
                .float32("attention.layer_norm_epsilon", 1e-6f)
                .float32("kda.gate_lower_bound", -5)
                .uint("attention.indexer.head_count", INDEX_HEADS)
                .uint("attention.indexer.key_length", INDEX_KEY)
                .uint("attention.indexer.top_k", CHOSEN)
                .uint("attention.indexer.kpool", 4)
                .bool("attention.indexer.kpool_select_tail", true)
                .ends(false)
                .layers(layer -> {
                    mixingConnections(m, layer.norm("attn_norm"));
                    if (layer.index() == 1) {
                        latentAttention(m, layer);
                        layer.weight("indexer.attn_q_b", m.rounded(QUERY_RANK), INDEX_HEADS * INDEX_KEY)
                                .weight("indexer.attn_k", m.dimensions().hidden(), INDEX_KEY)
                                .norm("indexer.k_norm", INDEX_KEY)
                                .bias("indexer.k_norm", INDEX_KEY)
                                .weight("indexer.proj", m.dimensions().hidden(), INDEX_HEADS)
                                .weight(
                                        "indexer_compressor_gate",
                                        m.dimensions().hidden(),
                                        INDEX_KEY)
                                .vector("indexer_compressor_ape.weight", 0, 0.5f, INDEX_KEY, 4);
                    } else {
                        deltaAttention(m, layer);
                        layer.weight("ssm_g_a", m.dimensions().hidden(), deltaSize(m))
                                .weight(
                                        "ssm_g_b",
                                        deltaSize(m),
                                        (long) m.dimensions().heads() * deltaSize(m));
                    }
                    feedForward(m, layer);
                });
    }

    /** A layer of small blocks, which choose experts by the token, one of large blocks, and one without. */
    private static void deepSeek(ModelSketch m) {
        m.dimensions(new Dimensions(3, 64, 48, 4, 1, 32), 10000, 1e-6f);
        int[] blocks = {4, 128, 0};
        mixingKeys(m)
                .uint("rope.dimension_count", ROTATED)
                .uint("attention.q_lora_rank", m.rounded(QUERY_RANK))
                .uint("attention.sliding_window", 16)
                .uint("attention.output_group_count", 2)
                .uint("attention.output_lora_rank", m.rounded(16))
                .float32("attention.compress_rope_freq_base", 160000)
                .ints("attention.compress_ratios", blocks)
                .uint("hash_layer_count", 1)
                .uint("attention.indexer.head_count", INDEX_HEADS)
                .uint("attention.indexer.key_length", INDEX_KEY)
                .uint("attention.indexer.top_k", 8)
                .uint("expert_count", EXPERTS)
                .uint("expert_used_count", 2)
                .uint("expert_feed_forward_length", m.rounded(EXPERT_SIZE))
                .uint("expert_shared_count", 1)
                .uint("expert_gating_func", 4)
                .bool("expert_weights_norm", true)
                .ends(false);
        int[] byToken = new int[2 * m.dimensions().vocab()];
        for (int i = 0; i < byToken.length; i++) {
            byToken[i] = (3 * (i / 2) + i % 2) % EXPERTS;
        }
        int hidden = m.dimensions().hidden();
        int heads = m.dimensions().heads();
        int headDim = m.dimensions().headDim();
        lastConnection(m).layers(layer -> {
            mixingConnections(m, layer.norm("attn_norm"));
            int rank = m.rounded(QUERY_RANK);
            layer.vector("attn_sinks.weight", 0, 1, heads)
                    .weight("attn_q_a", hidden, rank)
                    .norm("attn_q_a_norm", rank)
                    .weight("attn_q_b", rank, (long) heads * headDim)
                    .weight("attn_kv", hidden, headDim)
                    .norm("attn_kv_a_norm", headDim)
                    .weight("attn_output_a", heads / 2L * headDim, m.rounded(16), 2)
                    .weight("attn_output_b", 2L * m.rounded(16), hidden);
            int size = blocks[layer.index()];
            if (size > 0) {
                blocks(layer, "attn_compressor", hidden, headDim, size);
            }
            if (layer.index() == 0) {
                blocks(layer, "indexer_compressor", hidden, INDEX_KEY, size);
                layer.weight("indexer.attn_q_b", rank, INDEX_HEADS * INDEX_KEY)
                        .weight("indexer.proj", hidden, INDEX_HEADS);
                m.ints(
                        "blk.0.ffn_gate_tid2eid.weight",
                        byToken,
                        2,
                        m.dimensions().vocab());
            } else {
                layer.bias("exp_probs_b", EXPERTS);
            }
            layer.norm("ffn_norm")
                    .experts(EXPERTS, m.rounded(EXPERT_SIZE))
                    .feedForward("_shexp", m.rounded(EXPERT_SIZE));
        });
    }

    /** Keys of blocks; small ones overlap. */
    private static void blocks(LayerSketch layer, String name, int hidden, int keyDim, int size) {
        int width = size == 4 ? 2 * keyDim : keyDim;
        layer.weight(name + "_kv", hidden, width)
                .weight(name + "_gate", hidden, width)
                .vector(name + "_ape.weight", 0, 0.5f, width, size)
                .norm(name + "_norm", keyDim);
    }
}
