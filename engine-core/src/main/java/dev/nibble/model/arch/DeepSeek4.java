package dev.nibble.model.arch;

import static dev.nibble.model.FeedForward.Routing.Gating.SQRT_SOFTPLUS;
import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.BlockConfig;
import dev.nibble.model.CompressedAttentionConfig;
import dev.nibble.model.FeedForward;
import dev.nibble.model.KeyBlocks;
import dev.nibble.model.KeyChoice;
import dev.nibble.model.Mixer;
import dev.nibble.model.Model;
import dev.nibble.model.Norm;
import dev.nibble.model.RopeConfig;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * DeepSeek-V4: four residual streams; attention to a window, on most layers to keys of blocks besides, small ones that an indexer
 * chooses or large ones; experts that the first layers choose by the token.
 */
public final class DeepSeek4 implements Decoder.Family {
    /** Positions of the small blocks, which overlap and are chosen. */
    private static final int SMALL = 4;

    @Override
    public List<String> names() {
        return List.of("deepseek4");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new DeepSeekDecoder(reader);
    }

    private static final class DeepSeekDecoder extends Decoder {
        private final HyperReader connections;
        private final int headDim;
        private final int window;
        private final int rank;
        private final int[] blockSizes;
        private final RopeConfig plainRope;
        private final RopeConfig blockRope;

        DeepSeekDecoder(ModelReader reader) {
            super(reader, Traits.adjacent().expertsByFile(SQRT_SOFTPLUS, true).shared());
            attentions.requireCausal();
            connections = HyperReader.balanced(reader);
            headDim = attentions.commonDim("");
            window = reader.positive(SideKeys.WINDOW);
            rank = reader.positive("attention.q_lora_rank");
            blockSizes = reader.perLayerInt("attention.compress_ratios");
            int dims = reader.positive("rope.dimension_count", headDim);
            plainRope = ropes.unscaled(dims, headDim, ropes.theta()).withMagnitude(1);
            float base = reader.positiveFloat("attention.compress_rope_freq_base");
            blockRope = ropes.read(dims, headDim, base).withMagnitude(1);
            for (int size : blockSizes) {
                if (size != 0 && Integer.bitCount(size) != 1) {
                    throw reader.metadata.failure(
                            reader.key("attention.compress_ratios"), "expected 0 or powers of two, found " + size);
                }
            }
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
            int hidden = reader.hiddenSize;
            int heads = attentions.headCounts[layer];
            int size = blockSizes[layer];
            int groups = reader.positive("attention.output_group_count");
            int low = reader.positive("attention.output_lora_rank");
            if (heads < 1 || heads % groups != 0) {
                throw reader.metadata.failure(
                        reader.key("attention.output_group_count"), heads + " heads cannot form " + groups + " groups");
            }
            return new CompressedAttentionConfig(
                    heads,
                    reader.projection(block(layer, "attn_q_a"), hidden, rank),
                    reader.rms(block(layer, "attn_q_a_norm"), rank),
                    reader.projection(block(layer, "attn_q_b"), rank, (long) heads * headDim),
                    Norm.unweighted(headDim, reader.rmsEpsilon(), Norm.Kind.RMS),
                    reader.projection(block(layer, "attn_kv"), hidden, headDim),
                    reader.rms(block(layer, "attn_kv_a_norm"), headDim),
                    size == 0 ? plainRope : blockRope,
                    (float) (1 / Math.sqrt(headDim)),
                    window,
                    reader.vector(block(layer, "attn_sinks.weight"), heads),
                    size == 0 ? null : blocks(layer, "attn_compressor", headDim),
                    size == SMALL ? choice(layer) : null,
                    reader.projections(block(layer, "attn_output_a"), (long) heads / groups * headDim, low, groups),
                    reader.projection(block(layer, "attn_output_b"), (long) groups * low, hidden));
        }

        private KeyBlocks blocks(int layer, String name, int keyDim) {
            int size = blockSizes[layer];
            boolean overlapping = size == SMALL;
            int width = overlapping ? 2 * keyDim : keyDim;
            return new KeyBlocks(
                    size,
                    overlapping,
                    reader.projection(block(layer, name + "_kv"), reader.hiddenSize, width),
                    null,
                    reader.projection(block(layer, name + "_gate"), reader.hiddenSize, width),
                    reader.values(reader.tensor(block(layer, name + "_ape.weight"), width, size)),
                    reader.rms(block(layer, name + "_norm"), keyDim),
                    blockRope);
        }

        private KeyChoice choice(int layer) {
            int heads = reader.positive("attention.indexer.head_count");
            int keyDim = reader.positive("attention.indexer.key_length");
            return new KeyChoice(
                    reader.positive("attention.indexer.top_k"),
                    new KeyChoice.Indexer(
                            heads,
                            reader.projection(block(layer, "indexer.attn_q_b"), rank, (long) heads * keyDim),
                            new KeyChoice.Rated.Blocks(blocks(layer, "indexer_compressor", keyDim)),
                            reader.projection(block(layer, "indexer.proj"), reader.hiddenSize, heads),
                            blockRope,
                            true));
        }

        @Override
        @Nullable FeedForward feedForward(int layer) {
            return feedForwards.clampedAlike(layer, super.feedForward(layer));
        }

        @Override
        FeedForward.Experts experts(int layer) {
            FeedForward.Experts experts = super.experts(layer);
            return layer < reader.count("hash_layer_count", 0)
                    ? experts.withRouting(experts.routing().byToken(byToken(layer, experts)))
                    : experts;
        }

        /** The experts of each token. */
        private int[] byToken(int layer, FeedForward.Experts experts) {
            String name = block(layer, "ffn_gate_tid2eid.weight");
            float[] values = reader.values(reader.tensor(name, experts.routing().used(), reader.vocabSize));
            int[] chosen = new int[values.length];
            for (int i = 0; i < chosen.length; i++) {
                chosen[i] = (int) values[i];
                if (chosen[i] < 0 || chosen[i] >= experts.up().size()) {
                    throw reader.failure("the tensor " + name + " sends a token to expert " + chosen[i] + " of "
                            + experts.up().size());
                }
            }
            return chosen;
        }
    }
}
