package dev.nibble.model.arch;

import dev.nibble.model.Activation;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.RopeConfig;
import java.util.List;

/** Qwen2 and Qwen2.5: Llama with biases on queries, keys and values, and rotation by halves. */
public final class Qwen2 implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("qwen2");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new Decoder(reader, RopeConfig.Style.HALVES, Activation.SILU) {
            private final RopeConfig rope = ropes.read(attentions.headDim(0));

            @Override
            AttentionConfig.Builder attention(AttentionConfig.Builder attention) {
                return attention.rope(rope);
            }
        };
    }
}
