package dev.nibble.model.arch;

import dev.nibble.model.Activation;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.FeedForward;
import dev.nibble.model.FeedForward.Routing.Gating;
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
            // Some files of Mistral 7B say so; all programs that run such files attend to everything.
            reader.key(SideKeys.WINDOW);
            rope = ropes.read(attentions.headDim(0));
        }

        @Override
        AttentionConfig.Builder attention(AttentionConfig.Builder attention) {
            attention.rope(rope);
            float scale = reader.nonNegativeFloat("attention.scale", 0);
            return scale == 0 ? attention : attention.scale(scale);
        }

        @Override
        FeedForward feedForward(int layer) {
            return feedForwards.hasExperts(layer)
                    ? feedForwards.experts(layer, feedForwards.size(layer), Gating.SOFTMAX, true)
                    : feedForwards.dense(layer);
        }
    }
}
