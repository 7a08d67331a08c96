package dev.nibble.model.arch;

import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.Activation;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.BlockConfig;
import dev.nibble.model.FeedForward;
import dev.nibble.model.FeedForward.Routing.Gating;
import dev.nibble.model.RopeConfig;
import java.util.List;

/** GLM-4.5 to 4.7 and their Air: heads normalized in some, experts chosen by sigmoids, behind a dense layer. */
public final class Glm4Moe implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("glm4moe");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new Decoder(reader, RopeConfig.Style.HALVES, Activation.SILU) {
            private final RopeConfig rope = rope();

            private RopeConfig rope() {
                RopeConfig plain = ropes.read(attentions.headDim(0));
                return plain.withFrequencyFactors(RopeReader.axisFactors(reader, plain.dims()));
            }

            @Override
            AttentionConfig.Builder attention(AttentionConfig.Builder attention) {
                int layer = attention.layer();
                int headDim = attentions.headDim(layer);
                return attention
                        .rope(rope)
                        .norms(
                                reader.optionalRms(block(layer, "attn_q_norm"), headDim),
                                reader.optionalRms(block(layer, "attn_k_norm"), headDim));
            }

            @Override
            BlockConfig blockConfig(int layer) {
                return BlockConfig.preNorm(
                        reader.rms(block(layer, "attn_norm"), reader.hiddenSize),
                        mixer(layer),
                        reader.rms(block(layer, "post_attention_norm"), reader.hiddenSize),
                        feedForward(layer));
            }

            @Override
            FeedForward feedForward(int layer) {
                return feedForwards.denseThenExperts(
                        layer, feedForwards.gating(Gating.SIGMOID), feedForwards.normalizesWeights());
            }
        };
    }
}
