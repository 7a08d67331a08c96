package dev.nibble.model.arch;

import static dev.nibble.model.FeedForward.Routing.Gating.SIGMOID;

import dev.nibble.model.FeedForward;
import dev.nibble.model.Mixer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Ling 3: Kimi's delta attention with bounded decays, latent attention with a gate for each head, clamped experts. */
public final class BailingMoe3 implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("bailingmoe3");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        int rotated = reader.positive("rope.dimension_count");
        boolean axes = RopeReader.axisFactors(reader, rotated) != null;
        Traits traits = axes ? Traits.halves().axes(Traits.Axes.SECTION_BY_SECTION) : Traits.adjacent();
        return new Decoder(reader, traits.expertsByFile(SIGMOID, false).shared()) {
            private final LatentReader latents = LatentReader.split(reader, attentions, "");
            private final KimiDeltaReader deltas =
                    new KimiDeltaReader(reader, attentions, KimiDeltaReader.bound(reader), true, reader.rmsEpsilon());

            @Override
            Mixer mixer(int layer) {
                return attentions.kvHeadCounts[layer] == 0
                        ? deltas.read(layer)
                        : latents.read(layer)
                                .rope(rotations.turning(layer))
                                .gate(latents.gate(layer))
                                .build();
            }

            @Override
            @Nullable FeedForward feedForward(int layer) {
                return feedForwards.clamped(layer, super.feedForward(layer), false);
            }
        };
    }
}
