package dev.nibble.model.arch;

import dev.nibble.model.Activation;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.RopeConfig;
import java.util.List;

/** SmolLM3: Llama without rotation on every fourth layer. */
public final class SmolLm3 implements Decoder.Family {
    private static final int UNROTATED_PERIOD = 4;

    @Override
    public List<String> names() {
        return List.of("smollm3");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new Decoder(reader, RopeConfig.Style.ADJACENT, Activation.SILU) {
            private final RopeConfig rope = ropes.read(attentions.headDim(0));

            @Override
            AttentionConfig.Builder attention(AttentionConfig.Builder attention) {
                return attention.rope((attention.layer() + 1) % UNROTATED_PERIOD == 0 ? null : rope);
            }
        };
    }
}
