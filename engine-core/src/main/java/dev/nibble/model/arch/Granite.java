package dev.nibble.model.arch;

import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.Activation;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.BlockConfig;
import dev.nibble.model.FeedForward;
import dev.nibble.model.FeedForward.Routing.Gating;
import dev.nibble.model.Mixer;
import dev.nibble.model.RopeConfig;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Granite 3 and 4: Llama with scaled embeddings, residuals, scores and logits; with experts; with Mamba-2 layers. */
public final class Granite implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("granite", "granitemoe", "granitehybrid");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new GraniteDecoder(reader);
    }

    private static final class GraniteDecoder extends Decoder {
        private final @Nullable RopeConfig rope;
        private final float residualScale;

        GraniteDecoder(ModelReader reader) {
            super(reader, RopeConfig.Style.ADJACENT, Activation.SILU);
            // The hybrid models without positions say so by a scaling that was not fine-tuned.
            boolean rotated = reader.flag("rope.scaling.finetuned", true);
            int attentionLayer = firstAttentionLayer();
            rope = rotated && attentionLayer >= 0 ? ropes.read(attentions.headDim(attentionLayer)) : null;
            residualScale = reader.factor("residual_scale", 1);
        }

        private int firstAttentionLayer() {
            for (int layer = 0; layer < reader.layerCount; layer++) {
                if (attentions.kvHeadCounts[layer] > 0) {
                    return layer;
                }
            }
            return -1;
        }

        @Override
        Mixer mixer(int layer) {
            return attentions.kvHeadCounts[layer] == 0 ? Mamba2Reader.read(reader, layer) : super.mixer(layer);
        }

        @Override
        AttentionConfig.Builder attention(AttentionConfig.Builder attention) {
            attention.rope(rope);
            float scale = reader.nonNegativeFloat("attention.scale", 0);
            return scale == 0 ? attention : attention.scale(scale);
        }

        @Override
        BlockConfig blockConfig(int layer) {
            return super.blockConfig(layer).withScales(residualScale, 1);
        }

        @Override
        FeedForward feedForward(int layer) {
            if (!feedForwards.hasExperts(layer)) {
                return super.feedForward(layer);
            }
            FeedForward.Experts experts =
                    feedForwards.experts(layer, feedForwards.expertSize(layer), Gating.SOFTMAX, true);
            int sharedSize = reader.count("expert_shared_feed_forward_length", 0);
            return sharedSize == 0 || !reader.hasTensor(block(layer, "ffn_up_shexp.weight"))
                    ? experts
                    : experts.withShared(feedForwards.shared(layer, sharedSize), null);
        }

        @Override
        float embeddingScale() {
            return reader.factor("embedding_scale", 1);
        }

        @Override
        float logitScale() {
            boolean hybrid = reader.architecture.equals("granitehybrid");
            return 1 / (hybrid ? reader.factor("logit_scale", 1) : reader.positiveFloat("logit_scale"));
        }
    }
}
