package dev.nibble.model.arch;

import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.Activation;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.FeedForward;
import dev.nibble.model.FeedForward.Routing.Gating;
import dev.nibble.model.RopeConfig;
import java.util.List;

/** Qwen3, dense and with experts: queries and keys are normalized head by head before the rotation; no biases. */
public final class Qwen3 implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("qwen3", "qwen3moe");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new Decoder(reader, RopeConfig.Style.HALVES, Activation.SILU) {
            private final RopeConfig rope = ropes.read(attentions.headDim(0));

            @Override
            AttentionConfig.Builder attention(AttentionConfig.Builder attention) {
                int layer = attention.layer();
                return attention
                        .rope(rope)
                        .norms(
                                reader.rms(block(layer, "attn_q_norm"), attentions.headDim(layer)),
                                reader.rms(block(layer, "attn_k_norm"), attentions.headDim(layer)));
            }

            @Override
            FeedForward feedForward(int layer) {
                return feedForwards.hasExperts(layer)
                        ? feedForwards.experts(
                                layer, reader.positive("expert_feed_forward_length"), Gating.SOFTMAX, true)
                        : super.feedForward(layer);
            }
        };
    }
}
