package dev.nibble.model.arch;

import dev.nibble.model.Activation;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.FeedForward;
import dev.nibble.model.FeedForward.Routing.Gating;
import dev.nibble.model.RopeConfig;
import java.util.List;

/** DeepSeek-MoE, the first of its kind: Llama with experts beside shared ones, behind a dense layer. */
public final class DeepSeek implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("deepseek");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new Decoder(reader, RopeConfig.Style.ADJACENT, Activation.SILU) {
            private final RopeConfig rope = ropes.read(attentions.headDim(0));

            @Override
            AttentionConfig.Builder attention(AttentionConfig.Builder attention) {
                return attention.rope(rope);
            }

            @Override
            FeedForward feedForward(int layer) {
                return feedForwards.denseThenExperts(layer, Gating.SOFTMAX, false);
            }
        };
    }
}
