package dev.nibble.model.arch;

import static dev.nibble.model.FeedForward.Routing.Gating.SIGMOID;
import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.Activation;
import dev.nibble.model.BlockConfig;
import dev.nibble.model.Connection;
import dev.nibble.model.FeedForward;
import dev.nibble.model.FeedForward.Experts.Latent;
import dev.nibble.model.Mixer;
import dev.nibble.model.Model;
import java.util.List;

/**
 * Kimi K3: Kimi's delta attention and latent attention without rotation, both gated; experts in a space of their own; parts that
 * read earlier states of the residual stream, of which the first layer of each block keeps one.
 */
public final class KimiK3 implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("kimi-k3");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        Activation activation = new Activation.Situ(
                reader.positiveFloat("activation.situ_beta"),
                reader.nonNegativeFloat("activation.situ_linear_beta", 0));
        return new KimiDecoder(
                reader,
                Traits.unrotated()
                        .activation(activation)
                        .expertsByFile(SIGMOID, false)
                        .shared());
    }

    private static final class KimiDecoder extends Decoder {
        private final LatentReader latents;
        private final KimiDeltaReader deltas;
        private final int blockSize;

        KimiDecoder(ModelReader reader, Traits traits) {
            super(reader, traits);
            latents = LatentReader.split(reader, attentions, "");
            float bound = reader.has("kda.gate_lower_bound") ? KimiDeltaReader.bound(reader) : 0;
            deltas = new KimiDeltaReader(reader, attentions, bound, false, reader.rmsEpsilon());
            blockSize = reader.count("attn_res.block_size", 0);
        }

        @Override
        Model read() {
            Model model = super.read();
            return blockSize == 0
                    ? model
                    : model.withEmbeddingInput(new Model.EmbeddingInput.Connected(
                            0, connection("output_res_score", keptBefore(reader.layerCount), false)));
        }

        @Override
        BlockConfig blockConfig(int layer) {
            BlockConfig block = super.blockConfig(layer);
            if (blockSize == 0) {
                return block;
            }
            boolean keeps = layer % blockSize == 0;
            return block.with()
                    .connections(new BlockConfig.Connections(
                            connection(block(layer, "attn_res_score"), keptBefore(layer), keeps),
                            connection(block(layer, "ffn_res_score"), keptBefore(layer + 1), false)))
                    .build();
        }

        /** States that were kept by the layers before. */
        private int keptBefore(int layer) {
            return Math.ceilDiv(layer, blockSize);
        }

        private Connection.Kept connection(String score, int kept, boolean keeps) {
            return new Connection.Kept(
                    reader.vector(score + ".weight", reader.hiddenSize), reader.rmsEpsilon(), kept, keeps);
        }

        @Override
        Mixer mixer(int layer) {
            if (attentions.kvHeadCounts[layer] == 0) {
                return deltas.read(layer);
            }
            boolean gated = reader.hasTensor(block(layer, "attn_gate.weight"));
            return latents.read(layer).gate(gated ? latents.gate(layer) : null).build();
        }

        @Override
        FeedForward.Experts experts(int layer) {
            int width = reader.count("expert_latent_length", 0);
            if (width == 0) {
                return super.experts(layer);
            }
            return experts(layer, width)
                    .withLatent(new Latent(
                            reader.projection(block(layer, "ffn_routed_down"), reader.hiddenSize, width),
                            reader.optionalRms(block(layer, "ffn_routed_norm"), width),
                            reader.projection(block(layer, "ffn_routed_up"), width, reader.hiddenSize)));
        }
    }
}
