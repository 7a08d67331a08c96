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

            // Files of before the key have the size of the experts a position uses together.
            private int expertSize(int layer) {
                return reader.has("expert_feed_forward_length")
                        ? feedForwards.expertSize(layer)
                        : feedForwards.size(layer) / reader.positive("expert_used_count");
            }

            @Override
            FeedForward feedForward(int layer) {
                return feedForwards.hasExperts(layer)
                        ? feedForwards.experts(layer, expertSize(layer), Gating.SOFTMAX, true)
                        : feedForwards.dense(layer);
            }
        };
    }
}
