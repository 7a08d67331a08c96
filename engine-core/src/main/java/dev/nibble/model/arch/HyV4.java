package dev.nibble.model.arch;

import static dev.nibble.model.FeedForward.Routing.Gating.SIGMOID;
import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.BlockConfig;
import dev.nibble.model.FeedForward;
import dev.nibble.model.Mixer;
import dev.nibble.model.Model;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Hunyuan 4: four residual streams, latent attention with sinks and a gate, in some models with an indexer; clamped experts. */
public final class HyV4 implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("hy_v4");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new HyDecoder(reader);
    }

    private static final class HyDecoder extends Decoder {
        private final LatentReader latents;
        private final HyperReader connections;
        private final @Nullable IndexerReader indexers;

        HyDecoder(ModelReader reader) {
            super(reader, Traits.adjacent().expertsByFile(SIGMOID, false).shared());
            latents = LatentReader.split(reader, attentions, "");
            float epsilon = reader.positiveFloat("hyper_connection.epsilon");
            connections =
                    new HyperReader(reader, reader.positiveFloat("hyper_connection.magnitude"), epsilon, epsilon, 0);
            indexers = reader.count("attention.indexer.top_k", 0) == 0
                    ? null
                    : new IndexerReader(reader, rotations.turning(0), true, reader.rmsEpsilon(), null);
        }

        @Override
        Model read() {
            return super.read().withEmbeddingInput(connections.ends());
        }

        @Override
        BlockConfig blockConfig(int layer) {
            return super.blockConfig(layer)
                    .with()
                    .connections(connections.block(layer))
                    .build();
        }

        @Override
        Mixer mixer(int layer) {
            return latents.read(layer)
                    .rope(rotations.turning(layer))
                    .sinks(reader.vector(block(layer, "attn_sinks.weight"), attentions.headCounts[layer]))
                    .gate(latents.gate(layer))
                    .choice(indexers == null ? null : indexers.read(layer))
                    .build();
        }

        @Override
        @Nullable FeedForward feedForward(int layer) {
            return feedForwards.clamped(layer, super.feedForward(layer), true);
        }
    }
}
