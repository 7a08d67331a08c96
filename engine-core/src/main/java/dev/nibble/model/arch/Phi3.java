package dev.nibble.model.arch;

import dev.nibble.model.Activation;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.RopeConfig;
import java.util.List;

/**
 * Phi-3, Phi-3.5 and Phi-4: fused projections, LongRoPE, partial rotation. Their sliding window is not applied: the
 * models were trained without it in the layers' full context.
 */
public final class Phi3 implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("phi3");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new Decoder(reader, RopeConfig.Style.HALVES, Activation.SILU) {
            private final RopeConfig rope = rope();

            private RopeConfig rope() {
                reader.key(SideKeys.WINDOW); // passed over, as the class says
                return ropes.read(attentions.headDim(0));
            }

            @Override
            AttentionConfig.Builder attention(AttentionConfig.Builder attention) {
                return attention.rope(rope);
            }
        };
    }
}
