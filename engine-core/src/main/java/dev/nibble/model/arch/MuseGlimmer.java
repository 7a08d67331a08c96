package dev.nibble.model.arch;

import dev.nibble.model.AttentionConfig;
import dev.nibble.model.BlockConfig;
import dev.nibble.model.Norm;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Muse Glimmer: normalized embeddings, four norms, gated attention, rotation on windowed layers only, scaled and capped logits. */
public final class MuseGlimmer implements Decoder.Family {
    /** Of the norms after each part, whatever the file says of the others. */
    private static final float POST_EPSILON = 1e-8f;

    @Override
    public List<String> names() {
        return List.of("muse-glimmer");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new Decoder(reader, traits(reader)) {
            @Override
            Norm inputNorm() {
                return Norm.unweighted(reader.hiddenSize, reader.rmsEpsilon(), Norm.Kind.RMS);
            }

            @Override
            BlockConfig blockConfig(int layer) {
                BlockConfig block = super.blockConfig(layer);
                return block.withPostNorms(precise(block.mixerPostNorm()), precise(block.ffnPostNorm()));
            }
        };
    }

    private static @Nullable Norm precise(@Nullable Norm norm) {
        return norm == null ? null : Norm.rms(norm.weight(), POST_EPSILON);
    }

    private static Traits traits(ModelReader reader) {
        return Traits.adjacent()
                .inputNorm()
                .postNorms()
                .headNorms()
                .windows(4)
                .rotated(Traits.Rotated.WINDOWED)
                .gate(AttentionConfig.Gate.Function.SIGMOID)
                .logits(reader.factor("logit_scale", 1), reader.nonNegativeFloat("final_logit_softcapping", 0));
    }
}
