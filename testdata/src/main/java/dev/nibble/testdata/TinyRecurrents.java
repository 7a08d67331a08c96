package dev.nibble.testdata;

import dev.nibble.tensor.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/** Tiny models with random weights whose layers are recurrent, of kinds that the other tiny models lack. */
public final class TinyRecurrents {
    private static final int RANK = 6;
    private static final int STATE = 8;
    private static final int HEAD = 16;

    private static final Map<String, Consumer<ModelSketch>> ALL =
            Map.of("mamba", TinyRecurrents::mamba, "rwkv6", TinyRecurrents::rwkv6, "rwkv7", TinyRecurrents::rwkv7);

    private TinyRecurrents() {}

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
        Consumer<ModelSketch> tensors = ALL.get(name);
        if (tensors == null) {
            throw new IllegalArgumentException("there is no tiny model '" + name + "', only " + ALL.keySet());
        }
        ModelSketch model = new ModelSketch(name, "tiny random " + name, ModelSketch.TypeRule.all(DType.F32), 1, seed);
        tensors.accept(model);
        model.write(file);
    }

    private static ModelSketch keys(ModelSketch m) {
        return m.dimensions(new ModelSketch.Dimensions(2, 32, 48, 2, 2, HEAD), 10000, 1e-5f)
                .float32("attention.layer_norm_epsilon", 1e-5f);
    }

    private static void mamba(ModelSketch m) {
        int inner = 2 * keys(m).dimensions().hidden();
        m.uint("ssm.conv_kernel", 4)
                .uint("ssm.inner_size", inner)
                .uint("ssm.state_size", STATE)
                .uint("ssm.time_step_rank", RANK)
                .ends(true)
                .layers(layer -> layer.norm("attn_norm")
                        .weight("ssm_in", m.dimensions().hidden(), 2L * inner)
                        .vector("ssm_conv1d.weight", 0, 0.5f, 4, inner)
                        .bias("ssm_conv1d", inner)
                        .weight("ssm_x", inner, RANK + 2L * STATE)
                        .weight("ssm_dt", RANK, inner)
                        .bias("ssm_dt", inner)
                        .vector("ssm_a", -1, 0.2f, STATE, inner)
                        .vector("ssm_d", 1, 0.2f, inner)
                        .weight("ssm_out", inner, m.dimensions().hidden()));
    }

    private static LayerSketch norm(LayerSketch layer, String name, int hidden) {
        return layer.norm(name).bias(name, hidden);
    }

    private static ModelSketch rwkvEnds(ModelSketch m) {
        int hidden = keys(m).dimensions().hidden();
        return m.uint("wkv.head_size", HEAD)
                .ends(false)
                .vector("output_norm.bias", 0, 0.2f, hidden)
                .norm("token_embd_norm", hidden)
                .vector("token_embd_norm.bias", 0, 0.2f, hidden);
    }

    private static void rwkv6(ModelSketch m) {
        rwkvEnds(m).uint("rescale_every_n_layers", 2).uint("time_mix_extra_dim", RANK);
        int hidden = m.dimensions().hidden();
        int ffn = m.dimensions().ffn();
        m.layers(layer -> {
            norm(layer, "attn_norm", hidden);
            norm(layer, "attn_norm_2", hidden);
            layer.weight("time_mix_w1", hidden, 5L * RANK).weight("time_mix_w2", RANK, hidden, 5);
            for (String part : new String[] {"x", "w", "k", "v", "r", "g"}) {
                layer.vector("time_mix_lerp_" + part + ".weight", 0.5f, 0.2f, hidden);
            }
            layer.vector("time_mix_first.weight", 0, 0.5f, HEAD, hidden / HEAD)
                    .vector("time_mix_decay.weight", -1, 0.5f, hidden)
                    .weight("time_mix_decay_w1", hidden, RANK)
                    .weight("time_mix_decay_w2", RANK, hidden);
            for (String part : new String[] {"key", "value", "receptance", "gate", "output"}) {
                layer.weight("time_mix_" + part, hidden, hidden);
            }
            norm(layer, "time_mix_ln", hidden);
            channelMix(layer, hidden, ffn)
                    .vector("channel_mix_lerp_r.weight", 0.5f, 0.2f, hidden)
                    .weight("channel_mix_receptance", hidden, hidden);
        });
    }

    private static LayerSketch channelMix(LayerSketch layer, int hidden, int ffn) {
        return layer.vector("channel_mix_lerp_k.weight", 0.5f, 0.2f, hidden)
                .weight("channel_mix_key", hidden, ffn)
                .weight("channel_mix_value", ffn, hidden);
    }

    private static void rwkv7(ModelSketch m) {
        rwkvEnds(m);
        int hidden = m.dimensions().hidden();
        m.layers(layer -> {
            norm(layer, "attn_norm", hidden);
            norm(layer, "attn_norm_2", hidden);
            for (String part : new String[] {"w", "a", "v"}) {
                layer.vector("time_mix_" + part + "0.weight", 0, 0.5f, hidden)
                        .weight("time_mix_" + part + "1", hidden, RANK)
                        .weight("time_mix_" + part + "2", RANK, hidden);
            }
            layer.weight("time_mix_g1", hidden, RANK)
                    .weight("time_mix_g2", RANK, hidden)
                    .vector("time_mix_lerp_fused.weight", 0.5f, 0.2f, hidden, 1, 1, 6);
            for (String part : new String[] {"k_k", "k_a", "r_k"}) {
                layer.vector("time_mix_" + part + ".weight", 0.8f, 0.2f, hidden);
            }
            for (String part : new String[] {"key", "value", "receptance", "output"}) {
                layer.weight("time_mix_" + part, hidden, hidden);
            }
            norm(layer, "time_mix_ln", hidden);
            channelMix(layer, hidden, m.dimensions().ffn());
        });
    }
}
