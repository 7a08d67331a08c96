package dev.nibble.model.arch;

import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.AttentionConfig;
import dev.nibble.model.BlockConfig;
import dev.nibble.model.Norm;
import java.util.Arrays;
import java.util.List;

/** Talkie: norms without weights, but for a factor of each query head; every layer adds a share of the embedding. */
public final class Talkie implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("talkie");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new Decoder(
                reader, Traits.halves().unweightedNorms().inputNorm().logits(reader.factor("logit_scale", 1), 0)) {
            @Override
            AttentionConfig.Builder attention(AttentionConfig.Builder attention) {
                int layer = attention.layer();
                int headDim = attentions.headDim(layer);
                int heads = attentions.headCounts[layer];
                float[] factors = reader.values(reader.tensor(block(layer, "attn_q_norm.weight"), 1, heads));
                float[] weight = new float[heads * headDim];
                for (int head = 0; head < heads; head++) {
                    Arrays.fill(weight, head * headDim, (head + 1) * headDim, factors[head]);
                }
                return super.attention(attention)
                        .normsAfterRope()
                        .norms(
                                Norm.rms(weight, reader.rmsEpsilon()).withGroups(heads),
                                Norm.unweighted(headDim, reader.rmsEpsilon(), Norm.Kind.RMS));
            }

            @Override
            BlockConfig blockConfig(int layer) {
                float share = reader.vector(block(layer, "layer_output_scale.weight"), 1)[0];
                return super.blockConfig(layer).with().embeddingShare(share).build();
            }
        };
    }
}
