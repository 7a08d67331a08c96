package dev.nibble.model.arch;

import static dev.nibble.model.FeedForward.Routing.Gating.SIGMOID;

import dev.nibble.model.BlockConfig;
import dev.nibble.model.FeedForward;
import dev.nibble.model.Mixer;
import dev.nibble.model.Model;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * GLM-5.3-Flash: four residual streams, Kimi's delta attention, and latent attention without rotation whose keys are chosen pool by
 * pool; clamped experts.
 */
public final class Glm5Next implements Decoder.Family {
    /** Added to the sums of squares of queries and keys. */
    private static final float KEY_EPSILON = 1e-6f;

    @Override
    public List<String> names() {
        return List.of("glm5-next");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new GlmDecoder(reader);
    }

    private static final class GlmDecoder extends Decoder {
        private final LatentReader latents;
        private final KimiDeltaReader deltas;
        private final HyperReader connections;
        private final IndexerReader indexers;

        GlmDecoder(ModelReader reader) {
            super(reader, Traits.unrotated().expertsByFile(SIGMOID, false).shared());
            latents = LatentReader.split(reader, attentions, "");
            float bound = reader.has("kda.gate_lower_bound") ? KimiDeltaReader.bound(reader) : 0;
            deltas = new KimiDeltaReader(reader, attentions, bound, false, KEY_EPSILON);
            connections = HyperReader.balanced(reader);
            float epsilon = reader.nonNegativeFloat("attention.layer_norm_epsilon", 0);
            indexers = new IndexerReader(reader, null, false, epsilon, null);
        }

        @Override
        Model read() {
            return super.read().withEmbeddingInput(connections.endsWithMean());
        }

        @Override
        BlockConfig blockConfig(int layer) {
            return super.blockConfig(layer)
                    .with()
                    .connections(connections.block(layer))
                    .build();
        }

        /** It has one stream. */
        @Override
        BlockConfig predictionLayer(int index) {
            return super.blockConfig(index);
        }

        @Override
        Mixer mixer(int layer) {
            return attentions.kvHeadCounts[layer] == 0
                    ? deltas.read(layer)
                    : latents.read(layer).choice(indexers.read(layer)).build();
        }

        @Override
        @Nullable FeedForward feedForward(int layer) {
            return feedForwards.clampedAlike(layer, super.feedForward(layer));
        }
    }
}
