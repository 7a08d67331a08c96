package dev.nibble.model.arch;

import dev.nibble.model.Activation;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.FeedForward;
import dev.nibble.model.FeedForward.Experts.Gating;
import dev.nibble.model.RopeConfig;
import java.util.List;

/** Llama 1 to 3.x, Mistral 7B, Mixtral, SmolLM2 and their relatives. */
public final class Llama implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("llama");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new LlamaDecoder(reader);
    }

    private static final class LlamaDecoder extends Decoder {
        private final RopeConfig rope;

        LlamaDecoder(ModelReader reader) {
            super(reader, RopeConfig.Style.ADJACENT, Activation.SILU);
            rope = ropes.read(attentions.headDim(0));
        }

        @Override
        AttentionConfig.Builder attention(AttentionConfig.Builder attention) {
            attention.rope(rope);
            if (reader.has("attention.scale")) {
                attention.scale(reader.requireFloat("attention.scale"));
            }
            return attention;
        }

        @Override
        FeedForward feedForward(int layer) {
            return feedForwards.hasExperts(layer)
                    ? feedForwards.experts(layer, feedForwards.size(layer), Gating.SOFTMAX, true)
                    : super.feedForward(layer);
        }
    }
}
