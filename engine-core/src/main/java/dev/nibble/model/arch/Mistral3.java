package dev.nibble.model.arch;

import dev.nibble.model.AttentionConfig;
import dev.nibble.model.FeedForward.Routing.Gating;
import java.util.List;

/** Ministral 3 and Mistral 3: Llama with YaRN and queries that grow with the position, in some with experts. */
public final class Mistral3 implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("mistral3");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new Decoder(reader, Traits.adjacent().experts(Gating.SOFTMAX, true)) {
            private final float growth = reader.nonNegativeFloat("attention.temperature_scale", 0);

            @Override
            AttentionConfig.Builder attention(AttentionConfig.Builder attention) {
                return super.attention(attention)
                        .temperature(
                                growth == 0
                                        ? null
                                        : new AttentionConfig.Temperature(growth, ropes.originalContext(), 0));
            }
        };
    }
}
