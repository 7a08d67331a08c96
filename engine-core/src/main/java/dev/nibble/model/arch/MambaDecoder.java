package dev.nibble.model.arch;

import dev.nibble.model.FeedForward;
import dev.nibble.model.FeedForward.Routing.Gating;
import dev.nibble.model.Mixer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Mamba alone (Falcon Mamba too), which has no attention and no feed-forward layers; and Jamba, where attention without
 * rotation stands on some layers, and each has a feed-forward layer, dense or with experts.
 */
public final class MambaDecoder implements Decoder.Family {
    private static final String JAMBA = "jamba";

    @Override
    public List<String> names() {
        return List.of("mamba", JAMBA);
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        boolean jamba = reader.architecture.equals(JAMBA);
        MambaReader mambas = new MambaReader(reader);
        return new Decoder(reader, jamba ? Traits.unrotated().experts(Gating.SOFTMAX, false) : Traits.unrotated()) {
            @Override
            @Nullable Mixer mixer(int layer) {
                return jamba && attentions.kvHeadCounts[layer] > 0 ? super.mixer(layer) : mambas.read(layer);
            }

            @Override
            @Nullable FeedForward feedForward(int layer) {
                return jamba ? super.feedForward(layer) : null;
            }
        };
    }
}
