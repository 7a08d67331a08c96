package dev.nibble.model.arch;

import dev.nibble.model.AttentionConfig;
import dev.nibble.model.RopeConfig;
import java.util.List;

/** The text of CogVLM: Llama by halves, always with the usual base. What reads pictures is passed over. */
public final class CogVlm implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("cogvlm");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new Decoder(reader, Traits.halves()) {
            private final RopeConfig rope = rope();

            private RopeConfig rope() {
                reader.passOverParts("vis_");
                reader.key("rope.freq_base"); // passed over, as the class says
                int headDim = attentions.headDim(0);
                return ropes.read(headDim, headDim, 10000);
            }

            @Override
            AttentionConfig.Builder attention(AttentionConfig.Builder attention) {
                return attention.rope(rope);
            }
        };
    }
}
