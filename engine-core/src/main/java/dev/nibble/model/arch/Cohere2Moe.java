package dev.nibble.model.arch;

import static dev.nibble.model.FeedForward.Routing.Gating.SIGMOID;

import dev.nibble.model.AttentionConfig;
import dev.nibble.model.FeedForward;
import java.util.List;

/**
 * Command A with experts: parallel blocks, whose dense ones and those that predict turn everywhere, and half of the sum of routed and
 * shared experts.
 */
public final class Cohere2Moe implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("cohere2moe");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new Decoder(reader, traits(reader)) {
            @Override
            AttentionConfig.Builder attention(AttentionConfig.Builder attention) {
                super.attention(attention);
                int layer = attention.layer();
                return feedForwards.isDense(layer) || layer >= reader.layerCount
                        ? attention.rope(rotations.turning(layer))
                        : attention;
            }

            @Override
            FeedForward.Experts experts(int layer) {
                FeedForward.Experts experts = super.experts(layer);
                return experts.shared() == null
                        ? experts
                        : experts.withRouting(experts.routing().times(0.5f))
                                .withShared(experts.shared().times(0.5f), experts.sharedGate());
            }
        };
    }

    private static Traits traits(ModelReader reader) {
        return Traits.adjacent()
                .layerNorms()
                .parallel()
                .logits(reader.positiveFloat("logit_scale"), 0)
                .windows(4)
                .rotated(Traits.Rotated.WINDOWED)
                .expertsByFile(SIGMOID, false)
                .shared();
    }
}
