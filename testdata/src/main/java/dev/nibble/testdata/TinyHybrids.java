package dev.nibble.testdata;

import dev.nibble.testdata.ModelSketch.Dimensions;
import dev.nibble.testdata.TinyArchitectures.Recipe;
import java.util.Map;

/** The tiny models whose layers differ: recurrent ones among attention, shared keys and values, extra inputs. */
final class TinyHybrids {
    private static final int WINDOW = 16;

    private TinyHybrids() {}

    static void addTo(Map<String, Recipe> all) {
        all.put("lfm2", new Recipe("lfm2", m -> lfm2(m, false)));
        all.put("lfm2moe", new Recipe("lfm2moe", m -> lfm2(m, true)));
        all.put("granitehybrid", new Recipe("granitehybrid", m -> graniteHybrid(m, false)));
        all.put("granitehybrid-moe", new Recipe("granitehybrid", m -> graniteHybrid(m, true)));
        all.put("qwen35", new Recipe("qwen35", m -> qwen35(m, false, 0)));
        all.put("qwen35-mtp", new Recipe("qwen35", m -> qwen35(m, false, 2)));
        all.put("qwen35moe", new Recipe("qwen35moe", m -> qwen35(m, true, 0)));
        all.put("gemma3n", new Recipe("gemma3n", TinyHybrids::gemma3n));
        all.put("gemma4", new Recipe("gemma4", TinyHybrids::gemma4));
        all.put("gemma4-moe", new Recipe("gemma4", TinyHybrids::gemma4Experts));
        TinyDeepSeeks.addTo(all);
        TinyStreams.addTo(all);
    }

    /** Short convolutions but in layer 2. The last norm has another name. */
    private static void lfm2(ModelSketch m, boolean experts) {
        m.dimensions(new Dimensions(4, 96, 160, 4, 2, 24), 1000000, 1e-5f)
                .remove("attention.key_length")
                .remove("attention.value_length")
                .ints("attention.head_count_kv", 0, 0, 2, 0)
                .uint("shortconv.l_cache", 3);
        int expertSize = m.rounded(64);
        if (experts) {
            m.uint("expert_count", 4)
                    .uint("expert_used_count", 2)
                    .uint("expert_feed_forward_length", expertSize)
                    .uint("expert_gating_func", 2)
                    .uint("leading_dense_block_count", 1);
        }
        int hidden = m.dimensions().hidden();
        m.embedding(true).norm("token_embd_norm", hidden).layers(layer -> {
            layer.norm("attn_norm").norm("ffn_norm");
            if (layer.index() == 2) {
                layer.attention().headNorms();
            } else {
                layer.vector("shortconv.conv.weight", 0, 0.6f, 3, hidden)
                        .weight("shortconv.in_proj", hidden, 3L * hidden)
                        .weight("shortconv.out_proj", hidden, hidden);
            }
            if (experts && layer.index() >= 1) {
                layer.experts(4, expertSize).bias("exp_probs_b", 4);
            } else {
                layer.feedForward();
            }
        });
    }

    /** Mamba-2 layers but the last; with experts, also one that is always used, and no rotation, as in real ones. */
    private static void graniteHybrid(ModelSketch m, boolean experts) {
        int heads = 4;
        int groups = 2;
        int state = 16;
        m.dimensions(new Dimensions(3, 64, 160, 4, 2, 16), 10000, 1e-5f);
        int hidden = m.dimensions().hidden();
        int inner = 2 * hidden;
        m.remove("attention.key_length")
                .remove("attention.value_length")
                .ints("attention.head_count_kv", 0, 0, 2)
                .uint("rope.dimension_count", m.dimensions().headDim())
                .uint("ssm.conv_kernel", 4)
                .uint("ssm.inner_size", inner)
                .uint("ssm.state_size", state)
                .uint("ssm.time_step_rank", heads)
                .uint("ssm.group_count", groups)
                .float32("attention.scale", 0.2f);
        int channels = inner + 2 * groups * state;
        int shared = m.rounded(64);
        if (experts) {
            m.uint("expert_count", 8)
                    .uint("expert_used_count", 2)
                    .uint("expert_shared_feed_forward_length", shared)
                    .bool("rope.scaling.finetuned", false);
        }
        TinyArchitectures.graniteScales(m).ends(!experts).layers(layer -> {
            layer.norm("attn_norm");
            if (layer.index() == 2) {
                layer.attention();
            } else {
                layer.weight("ssm_in", hidden, (long) inner + channels + heads)
                        .vector("ssm_conv1d.weight", 0, 0.5f, 4, channels)
                        .bias("ssm_conv1d", channels)
                        .bias("ssm_dt", heads)
                        .vector("ssm_a", -1, 0.2f, 1, heads)
                        .vector("ssm_d", 1, 0.2f, 1, heads)
                        .vector("ssm_norm.weight", 1, 0.15f, inner / groups, groups)
                        .weight("ssm_out", inner, hidden);
            }
            layer.norm("ffn_norm");
            if (experts) {
                layer.experts(8, m.dimensions().ffn()).feedForward("_shexp", shared);
            } else {
                layer.feedForward();
            }
        });
    }

    /** Three layers of gated delta rule, then one of gated attention, as blocks that predict have it too. */
    private static void qwen35(ModelSketch m, boolean experts, int predicting) {
        int state = experts ? 16 : 32;
        int groups = 2;
        int heads = 4;
        int layers = 4;
        m.dimensions(new Dimensions(layers + predicting, 64, 160, 4, 2, 32), 10000000, 1e-6f)
                .uint("rope.dimension_count", 16)
                .ints("rope.dimension_sections", 3, 4, 1, 0)
                .uint("ssm.conv_kernel", 4)
                .uint("ssm.state_size", state)
                .uint("ssm.group_count", groups)
                .uint("ssm.time_step_rank", heads)
                .uint("ssm.inner_size", (long) heads * state)
                .uint("full_attention_interval", 4);
        if (predicting > 0) {
            m.uint("nextn_predict_layers", predicting);
        }
        int expertSize = m.rounded(32);
        int sharedSize = m.rounded(64);
        if (experts) {
            m.uint("expert_count", 8)
                    .uint("expert_used_count", 2)
                    .uint("expert_feed_forward_length", expertSize)
                    .uint("expert_shared_feed_forward_length", sharedSize);
        }
        Dimensions d = m.dimensions();
        int inner = heads * state;
        int channels = inner + 2 * groups * state;
        m.ends(!experts).layers(layer -> {
            layer.norm("attn_norm").norm("post_attention_norm");
            if (layer.index() >= layers - 1) {
                layer.weight("attn_q", d.hidden(), 2L * d.queryWidth()) // query and gate of each head in turn
                        .weight("attn_k", d.hidden(), d.kvWidth())
                        .weight("attn_v", d.hidden(), d.kvWidth())
                        .weight("attn_output", d.queryWidth(), d.hidden())
                        .headNorms();
            } else {
                layer.weight("attn_qkv", d.hidden(), channels)
                        .weight("attn_gate", d.hidden(), inner)
                        .vector("ssm_conv1d.weight", 0, 0.5f, 4, channels)
                        .vector("ssm_dt.bias", -0.7f, 0.4f, heads)
                        .vector("ssm_a", -0.5f, 0.1f, heads)
                        .weight("ssm_beta", d.hidden(), heads)
                        .weight("ssm_alpha", d.hidden(), heads)
                        .norm("ssm_norm", state)
                        .weight("ssm_out", inner, d.hidden());
            }
            if (experts) {
                layer.experts(8, expertSize)
                        .vector("ffn_gate_inp_shexp.weight", 0, 0.1f, d.hidden())
                        .feedForward("_shexp", sharedSize);
            } else {
                layer.feedForward();
            }
            if (layer.index() >= layers) {
                layer.prediction(false);
            }
        });
    }

    private static LayerSketch gemmaNorms(LayerSketch layer) {
        return layer.norm("attn_norm")
                .norm("ffn_norm")
                .norm("post_attention_norm")
                .norm("post_ffw_norm");
    }

    /** Input of its own for each layer, {@code width} values of it. */
    private static ModelSketch perLayerInput(ModelSketch m, int width) {
        Dimensions d = m.dimensions();
        int all = width * d.layers();
        return m.uint("embedding_length_per_layer_input", width)
                .matrix("per_layer_token_embd.weight", 0.25f, all, d.vocab())
                .weight("per_layer_model_proj.weight", d.hidden(), all)
                .norm("per_layer_proj_norm", width);
    }

    private static LayerSketch perLayerInput(LayerSketch layer, int hidden, int width) {
        return layer.weight("inp_gate", hidden, width)
                .weight("proj", width, hidden)
                .norm("post_norm");
    }

    /** Four streams, low-rank residuals, sparse feed-forward, a layer of full attention at the end. */
    private static void gemma3n(ModelSketch m) {
        m.dimensions(new Dimensions(5, 64, 96, 4, 2, 32), 1000000, 1e-6f);
        int hidden = m.dimensions().hidden();
        int ffn = m.dimensions().ffn();
        m.ints("feed_forward_length", ffn, ffn, ffn, ffn, ffn)
                .uint("attention.sliding_window", WINDOW)
                .booleans("attention.sliding_window_pattern", true, true, true, true, false)
                .uint("altup.active_idx", 0)
                .uint("altup.num_inputs", 4)
                .uint("attention.shared_kv_layers", 0)
                .floats("activation_sparsity_scale", 1.6448534f, 1.6448534f, 1.6448534f, 1.6448534f, 1.6448534f)
                .ends(true)
                .weight("altup_proj.weight", hidden, hidden, 3)
                .weight("altup_unembd_proj.weight", hidden, hidden, 3);
        perLayerInput(m, 256);
        m.layers(
                layer -> perLayerInput(gemmaNorms(layer).attention().headNorms().feedForward(), hidden, 256)
                        .vector("altup_correct_coef.weight", 0, 0.3f, 4, 4)
                        .vector("altup_correct_scale.weight", 1, 0.15f, hidden)
                        .vector("altup_predict_coef.weight", 0, 0.3f, 4, 16)
                        .vector("altup_router.weight", 0, 0.1f, hidden, 4)
                        .norm("altup_router_norm")
                        .weight("laurel_l", hidden, 64)
                        .weight("laurel_r", 64, hidden)
                        .norm("laurel_post_norm"));
    }

    /** Heads of 64 in layers of full attention, of 32 in layers with a window. */
    private static ModelSketch gemma4Keys(ModelSketch m, int layers, int ffn) {
        m.dimensions(new Dimensions(layers, 64, ffn, 4, 2, 64), 1000000, 1e-6f);
        int headDim = m.dimensions().headDim();
        float[] divisors = new float[headDim / 2];
        for (int i = 0; i < divisors.length; i++) {
            divisors[i] = i < divisors.length / 4 ? 1 : 1e30f; // 1e30: not rotated
        }
        return m.uint("rope.dimension_count", headDim)
                .float32("rope.freq_base_swa", 10000)
                .float32("final_logit_softcapping", 6)
                .uint("attention.sliding_window", WINDOW)
                .uint("attention.key_length_swa", headDim / 2)
                .uint("attention.value_length_swa", headDim / 2)
                .uint("rope.dimension_count_swa", headDim / 2)
                .ends(true)
                .values("rope_freqs.weight", divisors);
    }

    /** The last two layers use the keys and values of layers 2 and 3, and have wider feed-forwards. */
    private static void gemma4(ModelSketch m) {
        gemma4Keys(m, 6, 96);
        int headDim = m.dimensions().headDim();
        int ffn = m.dimensions().ffn();
        m.booleans("attention.sliding_window_pattern", true, true, true, false, true, false)
                .uint("attention.shared_kv_layers", 2)
                .ints("feed_forward_length", ffn, ffn, ffn, ffn, 2 * ffn, 2 * ffn);
        int width = m.rounded(32);
        perLayerInput(m, width).layers(layer -> {
            boolean full = layer.index() == 3 || layer.index() == 5;
            boolean shared = layer.index() >= 4;
            int dim = full ? headDim : headDim / 2;
            gemmaNorms(layer).vector("layer_output_scale.weight", 0.9f, 0.1f, 1);
            if (shared) {
                layer.queryAndOutput(dim).norm("attn_q_norm", dim);
            } else {
                layer.attention(dim, 2).headNorms(dim);
            }
            perLayerInput(
                    layer.feedForward("", shared ? 2 * ffn : ffn),
                    m.dimensions().hidden(),
                    width);
        });
    }

    /** A dense feed-forward beside the experts; no values on the layer of full attention, which uses its keys. */
    private static void gemma4Experts(ModelSketch m) {
        gemma4Keys(m, 4, 96);
        int hidden = m.dimensions().hidden();
        int headDim = m.dimensions().headDim();
        int expertSize = m.rounded(32);
        m.booleans("attention.sliding_window_pattern", true, true, true, false)
                .uint("attention.shared_kv_layers", 0)
                .uint("embedding_length_per_layer_input", 0)
                .ints("attention.head_count_kv", 2, 2, 2, 1)
                .uint("expert_count", 8)
                .uint("expert_used_count", 2)
                .uint("expert_feed_forward_length", expertSize)
                .layers(layer -> {
                    gemmaNorms(layer).vector("layer_output_scale.weight", 0.9f, 0.1f, 1);
                    if (layer.index() == 3) {
                        layer.queryAndOutput(headDim).keys(headDim, 1).headNorms(headDim);
                    } else {
                        layer.attention(headDim / 2, 2).headNorms(headDim / 2);
                    }
                    layer.feedForward()
                            .plainWeight("ffn_gate_inp", hidden, 8)
                            .vector("ffn_gate_inp.scale", 8, 2, hidden)
                            .norm("post_ffw_norm_1")
                            .norm("post_ffw_norm_2")
                            .norm("pre_ffw_norm_2")
                            .weight("ffn_gate_up_exps", hidden, 2L * expertSize, 8)
                            .weight("ffn_down_exps", expertSize, hidden, 8)
                            .vector("ffn_down_exps.scale", 1, 0.2f, 8);
                });
    }
}
