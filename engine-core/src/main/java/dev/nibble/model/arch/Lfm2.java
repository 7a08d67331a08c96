package dev.nibble.model.arch;

import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.Activation;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.FeedForward;
import dev.nibble.model.FeedForward.Routing.Gating;
import dev.nibble.model.Mixer;
import dev.nibble.model.RopeConfig;
import dev.nibble.model.ShortConvolutionConfig;
import java.util.List;

/** LFM2 and LFM2.5, dense and with experts: gated short convolutions, attention on some layers. */
public final class Lfm2 implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("lfm2", "lfm2moe");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new Decoder(reader, RopeConfig.Style.HALVES, Activation.SILU) {
            private final RopeConfig rope = ropes.read(attentions.headDim(0));

            @Override
            Mixer mixer(int layer) {
                if (attentions.kvHeadCounts[layer] > 0) {
                    return attention(attentions.read(layer)).build();
                }
                int hidden = reader.hiddenSize;
                int kernelSize = reader.positive("shortconv.l_cache");
                return new ShortConvolutionConfig(
                        kernelSize,
                        reader.values(reader.tensor(block(layer, "shortconv.conv.weight"), kernelSize, hidden)),
                        reader.projection(block(layer, "shortconv.in_proj"), hidden, 3L * hidden),
                        reader.projection(block(layer, "shortconv.out_proj"), hidden, hidden));
            }

            @Override
            AttentionConfig.Builder attention(AttentionConfig.Builder attention) {
                int layer = attention.layer();
                int headDim = attentions.headDim(layer);
                return attention
                        .rope(rope)
                        .norms(
                                reader.rms(block(layer, "attn_q_norm"), headDim),
                                reader.rms(block(layer, "attn_k_norm"), headDim));
            }

            @Override
            FeedForward feedForward(int layer) {
                boolean dense = layer < reader.count("leading_dense_block_count", 0);
                return dense || !feedForwards.hasExperts(layer)
                        ? feedForwards.dense(layer)
                        : feedForwards.experts(
                                layer, feedForwards.expertSize(layer), feedForwards.gating(Gating.SIGMOID), true);
            }

            @Override
            String outputNormName() {
                return "token_embd_norm";
            }
        };
    }
}
