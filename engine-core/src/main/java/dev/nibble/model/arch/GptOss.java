package dev.nibble.model.arch;

import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.Activation;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.BlockConfig;
import dev.nibble.model.FeedForward;
import dev.nibble.model.FeedForward.Routing.Gating;
import dev.nibble.model.RopeConfig;
import java.util.List;

/** gpt-oss: experts with clamped SwiGLU and biases, attention sinks, a sliding window on every other layer, YaRN. */
public final class GptOss implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("gpt-oss");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new Decoder(reader, RopeConfig.Style.HALVES, Activation.SWIGLU_OAI) {
            private final RopeConfig rope = ropes.read(attentions.headDim(0));
            private final int window = reader.positive("attention.sliding_window");
            private final boolean[] windowed = reader.windowedLayers(2);

            @Override
            AttentionConfig.Builder attention(AttentionConfig.Builder attention) {
                int layer = attention.layer();
                return attention
                        .rope(rope)
                        .window(windowed[layer] ? window : 0)
                        .sinks(reader.vector(block(layer, "attn_sinks.weight"), attentions.headCounts[layer]));
            }

            @Override
            BlockConfig blockConfig(int layer) {
                return BlockConfig.preNorm(
                        reader.rms(block(layer, "attn_norm"), reader.hiddenSize),
                        mixer(layer),
                        reader.rms(block(layer, "post_attention_norm"), reader.hiddenSize),
                        feedForward(layer));
            }

            @Override
            FeedForward feedForward(int layer) {
                return feedForwards.experts(
                        layer, reader.positive("expert_feed_forward_length"), Gating.SOFTMAX_OF_CHOSEN, false);
            }
        };
    }
}
