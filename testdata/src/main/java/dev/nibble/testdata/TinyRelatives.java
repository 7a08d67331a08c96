package dev.nibble.testdata;

import dev.nibble.testdata.ModelSketch.Dimensions;
import dev.nibble.testdata.TinyArchitectures.Recipe;
import java.util.Map;

/** Tiny models whose blocks are put together otherwise: layer norms, learned positions, parts side by side or one at a time. */
final class TinyRelatives {
    private TinyRelatives() {}

    static void addTo(Map<String, Recipe> all) {
        all.put("gpt2", new Recipe("gpt2", TinyRelatives::gpt2));
        all.put("command-r", new Recipe("command-r", TinyRelatives::commandR));
        all.put("nemotron_h_moe", new Recipe("nemotron_h_moe", TinyRelatives::nemotron));
    }

    private static ModelSketch layerNorms(ModelSketch m, Dimensions dimensions, float ropeBase) {
        return m.dimensions(dimensions, ropeBase, 1e-5f)
                .remove("attention.layer_norm_rms_epsilon")
                .float32("attention.layer_norm_epsilon", 1e-5f);
    }

    /** Learned positions, biases everywhere, no gate. */
    private static void gpt2(ModelSketch m) {
        layerNorms(m, new Dimensions(2, 64, 96, 4, 4, 16), 10000).remove("rope.freq_base");
        int hidden = m.dimensions().hidden();
        int ffn = m.dimensions().ffn();
        m.embedding(true)
                .vector("position_embd.weight", 0, 0.5f, hidden, m.dimensions().context())
                .norm("output_norm", hidden)
                .vector("output_norm.bias", 0, 0.3f, hidden)
                .layers(layer -> layer.norm("attn_norm")
                        .bias("attn_norm", hidden)
                        .weight("attn_qkv", hidden, 3L * hidden)
                        .bias("attn_qkv", 3 * hidden)
                        .weight("attn_output", hidden, hidden)
                        .bias("attn_output", hidden)
                        .norm("ffn_norm")
                        .bias("ffn_norm", hidden)
                        .weight("ffn_up", hidden, ffn)
                        .bias("ffn_up", ffn)
                        .weight("ffn_down", ffn, hidden)
                        .bias("ffn_down", hidden));
    }

    /** Attention and feed-forward layer side by side behind one norm. */
    private static void commandR(ModelSketch m) {
        layerNorms(m, new Dimensions(2, 64, 96, 4, 2, 16), 8000000).float32("logit_scale", 0.5f);
        m.embedding(true)
                .norm("output_norm", m.dimensions().hidden())
                .layers(layer -> layer.norm("attn_norm").attention().feedForward());
    }

    /** One part a layer: attention without rotation, or experts without a gate in a space of their own. */
    private static void nemotron(ModelSketch m) {
        m.dimensions(new Dimensions(3, 64, 96, 4, 2, 16), 10000, 1e-5f).remove("rope.freq_base");
        int hidden = m.dimensions().hidden();
        int latent = m.rounded(32);
        int size = m.rounded(48);
        m.ints("attention.head_count_kv", 2, 0, 0)
                .ints("feed_forward_length", 0, size, size)
                .uint("expert_count", 4)
                .uint("expert_used_count", 2)
                .uint("expert_feed_forward_length", size)
                .uint("expert_shared_count", 1)
                .uint("moe_latent_size", latent)
                .ends(false)
                .layers(layer -> {
                    layer.norm("attn_norm");
                    if (layer.index() == 0) {
                        layer.attention();
                        return;
                    }
                    layer.plainWeight("ffn_gate_inp", hidden, 4)
                            .bias("exp_probs_b", 4)
                            .weight("ffn_latent_down", hidden, latent)
                            .weight("ffn_up_exps", latent, size, 4)
                            .weight("ffn_down_exps", size, latent, 4)
                            .weight("ffn_latent_up", latent, hidden)
                            .weight("ffn_up_shexp", hidden, size)
                            .weight("ffn_down_shexp", size, hidden);
                });
    }
}
