package dev.nibble.model.arch;

import dev.nibble.model.Activation;
import dev.nibble.model.FeedForward;
import dev.nibble.model.FeedForward.Routing.Gating;
import dev.nibble.model.Mixer;
import dev.nibble.model.RopeConfig;
import java.util.List;

/** Kimi Linear: Kimi's delta attention, and latent attention without rotation on layers that have key heads; experts. */
public final class KimiLinear implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("kimi-linear");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new Decoder(reader, RopeConfig.Style.HALVES, Activation.SILU) {
            private final LatentReader latents = LatentReader.split(reader, attentions, "");
            private final KimiDeltaReader deltas =
                    new KimiDeltaReader(reader, attentions, 0, false, reader.rmsEpsilon());

            @Override
            Mixer mixer(int layer) {
                return attentions.kvHeadCounts[layer] == 0
                        ? deltas.read(layer)
                        : latents.read(layer).build();
            }

            @Override
            FeedForward feedForward(int layer) {
                return feedForwards.denseThenExperts(layer, feedForwards.gating(Gating.SIGMOID), true);
            }
        };
    }
}
