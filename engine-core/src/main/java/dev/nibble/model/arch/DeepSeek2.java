package dev.nibble.model.arch;

import dev.nibble.model.Activation;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.FeedForward;
import dev.nibble.model.FeedForward.Routing.Gating;
import dev.nibble.model.Mixer;
import dev.nibble.model.RopeConfig;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * DeepSeek-V2, V2-Lite, V3 and R1, Kimi K2, GLM-4.7-Flash and others that are stored as them, Mistral 4: latent attention,
 * dense layers first, then experts beside shared ones. DeepSeek-V3.2 and GLM-5 choose keys by an indexer as soon as there
 * are more than they choose, and run up to so many.
 */
public final class DeepSeek2 implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("deepseek2", "deepseek32", "glm-dsa", "mistral4");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new DeepSeekDecoder(reader);
    }

    private static final class DeepSeekDecoder extends Decoder {
        private final LatentReader latents;
        private final RopeConfig rope;
        private final float scale;
        private final AttentionConfig.@Nullable Temperature temperature;

        DeepSeekDecoder(ModelReader reader) {
            super(reader, RopeConfig.Style.ADJACENT, Activation.SILU);
            // The key without _mla is the width of the cache where both are there.
            boolean split = reader.has("attention.key_length_mla");
            int queryDim = reader.positive(split ? "attention.key_length_mla" : "attention.key_length");
            int valueDim = reader.positive(split ? "attention.value_length_mla" : "attention.value_length");
            latents = new LatentReader(reader, attentions, queryDim, valueDim, split);
            RopeConfig plain = latents.checked(ropes.read(queryDim));
            // The file has a tenth of the multiplier that other architectures store under this key.
            float multiplier = 10 * reader.nonNegativeFloat("rope.scaling.yarn_log_multiplier", 0);
            double log = Math.log(plain.factor());
            double growth = 1 + 0.1 * log;
            boolean yarn = plain.yarn() != null;
            float magnitude = ropes.attentionFactor() * (float) (yarn && multiplier == 0 ? growth : 1);
            rope = plain.withMagnitude(magnitude);
            double factor = ropes.attentionFactor() * (yarn && multiplier != 0 ? 1 : growth);
            factor *= 1 + 0.1 * multiplier * log;
            scale = (float) (factor * factor / Math.sqrt(queryDim));
            float warmth = reader.nonNegativeFloat("attention.temperature_scale", 0);
            temperature = warmth == 0
                    ? null
                    : new AttentionConfig.Temperature(warmth, reader.positive("attention.temperature_length"), 0);
            passOverIndexer();
        }

        /** Up to as many positions as an indexer chooses, it chooses all, whatever its weights are. */
        private void passOverIndexer() {
            if (reader.architecture.equals("deepseek32") || reader.architecture.equals("glm-dsa")) {
                reader.limitContext(reader.positive("attention.indexer.top_k"));
                reader.passOverParts("indexer.");
            }
        }

        @Override
        Mixer mixer(int layer) {
            return latents.read(layer, rope, scale, temperature);
        }

        @Override
        FeedForward feedForward(int layer) {
            return feedForwards.denseThenExperts(
                    layer, feedForwards.gating(defaultGating()), feedForwards.normalizesWeights());
        }

        /** Files of before this key: those of GLM-4.7-Flash, told by their size, have sigmoids. */
        private Gating defaultGating() {
            boolean glm = (reader.layerCount == 47 || reader.layerCount == 48) && reader.vocabSize == 154880;
            return glm ? Gating.SIGMOID : Gating.SOFTMAX;
        }
    }
}
