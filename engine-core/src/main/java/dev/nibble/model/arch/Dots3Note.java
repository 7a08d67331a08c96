package dev.nibble.model.arch;

import static dev.nibble.model.FeedForward.Routing.Gating.SIGMOID;
import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.Mixer;
import dev.nibble.model.RopeConfig;
import java.util.List;

/** dots.note 3: latent attention with a gate for each head, of one shape within windows, of another with an indexer elsewhere. */
public final class Dots3Note implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("dots3note");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        Traits traits = Traits.adjacent()
                .windowsByFile()
                .predictsInWindow()
                .expertsByFile(SIGMOID, false)
                .shared();
        return new Decoder(reader, traits) {
            private final LatentReader full = LatentReader.split(reader, attentions, "");
            private final LatentReader windowed = LatentReader.split(reader, attentions, "_swa");
            private final RopeConfig fullRope = ropes.read(reader.positive("attention.key_length_mla"));
            private final IndexerReader indexers =
                    new IndexerReader(reader, fullRope.withStyle(RopeConfig.Style.HALVES), false, 1e-6f, null);

            @Override
            Mixer mixer(int layer) {
                int window = rotations.window(layer);
                LatentReader latents = window > 0 ? windowed : full;
                return latents.read(layer)
                        .rope(rotations.turning(layer))
                        .rotatedNorm(reader.rms(block(layer, "attn_k_norm"), fullRope.dims()))
                        .window(window)
                        .gate(latents.gate(layer))
                        .choice(window > 0 ? null : indexers.read(layer))
                        .build();
            }
        };
    }
}
