package dev.nibble.model.arch;

import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.BlockConfig;
import dev.nibble.model.ChannelMixConfig;
import dev.nibble.model.FeedForward;
import dev.nibble.model.Mixer;
import dev.nibble.model.Norm;
import dev.nibble.model.Projection;
import dev.nibble.model.Rwkv6Config;
import dev.nibble.model.Rwkv7Config;
import dev.nibble.model.Rwkv7Config.LowRankMap;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * RWKV 6 and 7, and Qwen2 models whose attention was replaced by their time mix. A layer of RWKV is two blocks here, the time
 * mix and the channel mix, as both read the position before; a layer of the others has Qwen2's feed-forward layer.
 */
public final class Rwkv implements Decoder.Family {
    /** Added to the variance of a head. */
    private static final float HEAD_EPSILON = 64e-5f;

    @Override
    public List<String> names() {
        return List.of("rwkv6", "rwkv6qwen2", "rwkv7", "arwkv7");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        boolean seventh = reader.architecture.endsWith("rwkv7");
        boolean own = reader.architecture.startsWith("rwkv") && !reader.architecture.endsWith("qwen2");
        return new RwkvDecoder(reader, own, seventh);
    }

    private static final class RwkvDecoder extends Decoder {
        private final boolean own;
        private final boolean seventh;
        private final int headDim;
        private final int heads;

        RwkvDecoder(ModelReader reader, boolean own, boolean seventh) {
            super(reader, own ? Traits.unrotated().layerNorms().inputNorm() : Traits.unrotated());
            this.own = own;
            this.seventh = seventh;
            headDim = reader.positive("wkv.head_size");
            heads = reader.hiddenSize / headDim;
            if (reader.hiddenSize % headDim != 0) {
                throw reader.metadata.failure(
                        reader.key("wkv.head_size"),
                        "heads of " + headDim + " do not divide the " + reader.hiddenSize + " elements of "
                                + reader.key("embedding_length"));
            }
            reader.checkState(reader.hiddenSize, headDim);
        }

        @Override
        List<BlockConfig> blocks() {
            if (!own) {
                return super.blocks();
            }
            int rescaled = reader.count("rescale_every_n_layers", 0);
            List<BlockConfig> blocks = new ArrayList<>();
            for (int layer = 0; layer < reader.layerCount; layer++) {
                boolean halved = rescaled > 0 && (layer + 1) % rescaled == 0;
                blocks.add(BlockConfig.builder()
                        .mixer(mixerNorm(layer), mixer(layer))
                        .build());
                blocks.add(BlockConfig.builder()
                        .mixer(norm(block(layer, "attn_norm_2"), reader.hiddenSize), channelMix(layer))
                        .scales(1, halved ? 0.5f : 1)
                        .build());
            }
            return blocks;
        }

        @Override
        Mixer mixer(int layer) {
            return seventh ? seventh(layer) : sixth(layer);
        }

        @Override
        @Nullable FeedForward feedForward(int layer) {
            return own ? null : super.feedForward(layer);
        }

        private Projection square(int layer, String name) {
            return reader.projection(block(layer, name), reader.hiddenSize, reader.hiddenSize);
        }

        private float[] vector(int layer, String name) {
            return reader.values(reader.tensor(block(layer, name) + ".weight", reader.hiddenSize));
        }

        /** A map to a low rank, and one from there. */
        private Projection low(int layer, String name) {
            String tensor = block(layer, name);
            int hidden = reader.hiddenSize;
            return reader.projection(tensor, hidden, reader.rows(tensor + ".weight"));
        }

        private Projection up(int layer, String name, Projection low) {
            return reader.projection(block(layer, name), low.outputSize(), reader.hiddenSize);
        }

        private LowRankMap lowRank(int layer, String name) {
            Projection low = low(layer, "time_mix_" + name + "1");
            return new LowRankMap(
                    vector(layer, "time_mix_" + name + "0"), low, up(layer, "time_mix_" + name + "2", low));
        }

        private @Nullable Norm headNorm(int layer) {
            String name = block(layer, "time_mix_ln");
            return reader.hasTensor(name + ".weight")
                    ? new Norm(
                            vector(layer, "time_mix_ln"),
                            reader.optionalVector(name + ".bias", reader.hiddenSize),
                            HEAD_EPSILON,
                            Norm.Kind.LAYER,
                            heads)
                    : null;
        }

        private ChannelMixConfig channelMix(int layer) {
            int size = feedForwards.size(layer);
            boolean gated = reader.hasTensor(block(layer, "channel_mix_receptance.weight"));
            return new ChannelMixConfig(
                    vector(layer, "channel_mix_lerp_k"),
                    reader.projection(block(layer, "channel_mix_key"), reader.hiddenSize, size),
                    reader.projection(block(layer, "channel_mix_value"), size, reader.hiddenSize),
                    gated ? vector(layer, "channel_mix_lerp_r") : null,
                    gated ? square(layer, "channel_mix_receptance") : null);
        }

        private Rwkv6Config sixth(int layer) {
            int hidden = reader.hiddenSize;
            int kvHeads = own ? heads : attentions.kvHeadCounts[layer];
            if (kvHeads < 1 || heads % kvHeads != 0) {
                throw reader.metadata.failure(
                        reader.key("attention.head_count_kv"),
                        heads + " heads cannot share " + kvHeads + " heads of keys (layer " + layer + ")");
            }
            int rank = reader.positive("time_mix_extra_dim");
            Projection decayLow = low(layer, "time_mix_decay_w1");
            String first = block(layer, "time_mix_first.weight");
            return new Rwkv6Config(
                    heads,
                    kvHeads,
                    headDim,
                    vector(layer, "time_mix_lerp_x"),
                    reader.projection(block(layer, "time_mix_w1"), hidden, 5L * rank),
                    reader.projections(block(layer, "time_mix_w2"), rank, hidden, 5),
                    shares(layer),
                    vector(layer, "time_mix_decay"),
                    decayLow,
                    up(layer, "time_mix_decay_w2", decayLow),
                    reader.projection(block(layer, "time_mix_key"), hidden, (long) kvHeads * headDim),
                    reader.projection(block(layer, "time_mix_value"), hidden, (long) kvHeads * headDim),
                    square(layer, "time_mix_receptance"),
                    square(layer, "time_mix_gate"),
                    own ? reader.values(reader.tensor(first, headDim, heads)) : null,
                    headNorm(layer),
                    square(layer, "time_mix_output"));
        }

        /** The shares of w, k, v, r and g, in one tensor or five. */
        private float[] shares(int layer) {
            String fused = block(layer, "time_mix_lerp_fused.weight");
            if (reader.hasTensor(fused)) {
                return reader.values(reader.tensor(fused, reader.hiddenSize, 1, 1, 5));
            }
            float[] shares = new float[5 * reader.hiddenSize];
            List<String> parts = List.of("w", "k", "v", "r", "g");
            for (int i = 0; i < parts.size(); i++) {
                float[] part = vector(layer, "time_mix_lerp_" + parts.get(i));
                System.arraycopy(part, 0, shares, i * part.length, part.length);
            }
            return shares;
        }

        private Rwkv7Config seventh(int layer) {
            boolean gated = reader.hasTensor(block(layer, "time_mix_g1.weight"));
            int count = gated ? 6 : 5;
            if (layer == 0) { // published with maps that have no part in the first layer
                List.of("time_mix_v0.weight", "time_mix_v1.weight", "time_mix_v2.weight")
                        .forEach(name -> reader.passOver(block(0, name)));
            }
            Projection gateLow = gated ? low(layer, "time_mix_g1") : null;
            return new Rwkv7Config(
                    heads,
                    headDim,
                    reader.values(
                            reader.tensor(block(layer, "time_mix_lerp_fused.weight"), reader.hiddenSize, 1, 1, count)),
                    square(layer, "time_mix_receptance"),
                    square(layer, "time_mix_key"),
                    square(layer, "time_mix_value"),
                    lowRank(layer, "w"),
                    lowRank(layer, "a"),
                    layer == 0 ? null : lowRank(layer, "v"),
                    gateLow,
                    gateLow == null ? null : up(layer, "time_mix_g2", gateLow),
                    vector(layer, "time_mix_k_k"),
                    vector(layer, "time_mix_k_a"),
                    vector(layer, "time_mix_r_k"),
                    headNorm(layer),
                    square(layer, "time_mix_output"));
        }
    }
}
