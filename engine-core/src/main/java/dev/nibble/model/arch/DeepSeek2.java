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
 * dense layers first, then experts beside shared ones. DeepSeek-V3.2 and GLM-5 choose keys by an indexer.
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
        private final @Nullable IndexerReader indexers;

        DeepSeekDecoder(ModelReader reader) {
            super(reader, RopeConfig.Style.ADJACENT, Activation.SILU);
            // The keys without _mla are widths of the cache where both are there.
            reader.positive("attention.key_length", 1);
            reader.positive("attention.value_length", 1);
            boolean split = reader.has("attention.key_length_mla");
            int queryDim = reader.positive(split ? "attention.key_length_mla" : "attention.key_length");
            int valueDim = reader.positive(split ? "attention.value_length_mla" : "attention.value_length");
            RopeConfig plain = ropes.read(queryDim);
            int latentDim = reader.positive("attention.kv_lora_rank");
            latents = new LatentReader(reader, attentions, queryDim, plain.dims(), valueDim, latentDim, split);
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
            indexers = switch (reader.architecture) {
                case "deepseek32" ->
                    new IndexerReader(reader, rope.withStyle(RopeConfig.Style.HALVES), false, 1e-6f, null);
                case "glm-dsa" -> new IndexerReader(reader, rope, false, 0, glmTypes());
                default -> null;
            };
        }

        /** GLM-5.2, told by its context, has indexers in every fourth layer after the first three. */
        private int[] glmTypes() {
            boolean shared = reader.contextLength >= 1 << 20;
            int[] types = new int[reader.blockCount];
            for (int layer = 0; layer < types.length; layer++) {
                types[layer] = !shared || layer < 2 || layer % 4 == 2 ? 1 : 0;
            }
            return types;
        }

        @Override
        Mixer mixer(int layer) {
            return latents.read(layer)
                    .rope(rope)
                    .scale(scale)
                    .temperature(temperature)
                    .choice(indexers == null ? null : indexers.read(layer))
                    .build();
        }

        @Override
        FeedForward feedForward(int layer) {
            return feedForwards.denseThenExperts(
                    layer, feedForwards.gating(defaultGating()), feedForwards.normalizesWeights());
        }

        /** Files of before this key: those of GLM-4.7-Flash, told by their size, and of GLM-5 have sigmoids. */
        private Gating defaultGating() {
            boolean glm = (reader.layerCount == 47 || reader.layerCount == 48) && reader.vocabSize == 154880;
            return glm || reader.architecture.equals("glm-dsa") ? Gating.SIGMOID : Gating.SOFTMAX;
        }
    }
}
