package dev.nibble.model.arch;

import static dev.nibble.model.FeedForward.Routing.Gating.SOFTMAX;

import dev.nibble.model.Activation;
import dev.nibble.model.FeedForward;
import java.util.List;

/** Maple: Qwen3 with experts whose SwiGLU is clamped, and rotation on windowed layers only. */
public final class Maple implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("maple");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new Decoder(
                reader,
                Traits.halves()
                        .headNorms()
                        .windowsByFile()
                        .rotated(Traits.Rotated.WINDOWED)
                        .experts(SOFTMAX, true)) {
            @Override
            FeedForward.Experts experts(int layer) {
                float limit = reader.layerFloat("swiglu_clamp_exp", layer, 0);
                FeedForward.Experts experts = super.experts(layer);
                return limit == 0 ? experts : experts.withActivation(new Activation.ClampedSwiGlu(limit, true));
            }
        };
    }
}
