package dev.nibble.model.arch;

import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.Activation;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.BlockConfig;
import dev.nibble.model.FeedForward;
import dev.nibble.model.FeedForward.Experts.Gating;
import dev.nibble.model.RopeConfig;
import java.util.List;
import org.jspecify.annotations.Nullable;

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
                return plain.withFrequencyFactors(axisFactors(reader, plain.dims()));
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

    /**
     * In models with vision, pairs follow the axes time, height and width section by section, which are alike for text;
     * a pair that is left over follows a fourth axis, which is 0 for text: it is not rotated.
     */
    private static float @Nullable [] axisFactors(ModelReader reader, int dims) {
        long[] sections = reader.metadata.optionalLongs(reader.key("rope.dimension_sections"));
        if (sections == null || sections.length < 4 || sections[0] <= 0 || sections[1] <= 0) {
            return null;
        }
        for (long section : sections) {
            if (section < 0 || section > dims) {
                throw reader.metadata.failure(
                        reader.key("rope.dimension_sections"),
                        "expected numbers from 0 to " + dims + ", found " + section);
            }
        }
        long rotated = sections[0] + sections[1] + sections[2];
        float[] factors = new float[dims / 2];
        for (int pair = 0; pair < factors.length; pair++) {
            factors[pair] = pair % (rotated + sections[3]) < rotated ? 1 : Float.POSITIVE_INFINITY;
        }
        return factors;
    }
}
