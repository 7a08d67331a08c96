package dev.nibble.model.arch;

import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.Activation;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.BlockConfig;
import dev.nibble.model.FeedForward;
import dev.nibble.model.FeedForward.Routing.Gating;
import dev.nibble.model.Mixer;
import dev.nibble.model.Model;
import dev.nibble.model.Norm;
import dev.nibble.model.RopeConfig;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Gemma 4: heads of another size on windowed layers, unscaled scores, normalized values, later layers that read the keys
 * and values of earlier ones, embeddings for each layer, dense and expert layers side by side.
 */
public final class Gemma4 implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("gemma4");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new Gemma4Decoder(reader);
    }

    private static final class Gemma4Decoder extends Decoder {
        private final PerLayerReader perLayer;
        private final boolean[] windowed;
        private final int window;
        private final int ownKvLayers;
        private final int fullDim;
        private final int windowDim;
        private final RopeConfig fullRope;
        private final RopeConfig windowRope;

        Gemma4Decoder(ModelReader reader) {
            super(reader, RopeConfig.Style.HALVES, Activation.GELU_TANH);
            perLayer = new PerLayerReader(reader);
            windowed = RotationReader.windowedLayers(reader, 0, false);
            window = reader.positive("attention.sliding_window");
            ownKvLayers = attentions.ownKvLayers(0);
            fullDim = attentions.commonDim("");
            fullRope = ropes.read(fullDim);
            windowDim = attentions.commonDim("_swa");
            windowRope = ropes.unscaled(
                    reader.positive("rope.dimension_count_swa", windowDim),
                    windowDim,
                    reader.positiveFloat("rope.freq_base_swa", ropes.theta()));
        }

        @Override
        Mixer mixer(int layer) {
            return attention(attentions.readShared(layer, headDim(layer), kvLayer(layer)))
                    .build();
        }

        private int headDim(int layer) {
            return windowed[layer] ? windowDim : fullDim;
        }

        /** The layer whose keys and values a layer uses: of the last two with their own, the one of its kind. */
        private int kvLayer(int layer) {
            return layer < ownKvLayers ? layer : ownKvLayers - (windowed[layer] ? 2 : 1);
        }

        @Override
        AttentionConfig.Builder attention(AttentionConfig.Builder attention) {
            int layer = attention.layer();
            int headDim = headDim(layer);
            @Nullable Norm keyNorm = layer < ownKvLayers ? reader.rms(block(layer, "attn_k_norm"), headDim) : null;
            return attention
                    .rope(windowed[layer] ? windowRope : fullRope)
                    .window(windowed[layer] ? window : 0)
                    .scale(reader.factor("attention.scale", 1))
                    .normalizeValue(reader.rmsEpsilon())
                    .norms(reader.rms(block(layer, "attn_q_norm"), headDim), keyNorm);
        }

        @Override
        BlockConfig blockConfig(int layer) {
            float[] outputScale = reader.optionalVector(block(layer, "layer_output_scale.weight"), 1);
            return super.blockConfig(layer)
                    .withPostNorms(
                            reader.rms(block(layer, "post_attention_norm"), reader.hiddenSize),
                            reader.rms(block(layer, "post_ffw_norm"), reader.hiddenSize))
                    .withScales(1, outputScale == null ? 1 : outputScale[0])
                    .withStreams(perLayer.width() == 0 ? null : perLayer.block(layer), null);
        }

        @Override
        FeedForward feedForward(int layer) {
            FeedForward.Dense dense = feedForwards.dense(layer);
            if (!feedForwards.hasExperts(layer)) {
                return dense;
            }
            int hidden = reader.hiddenSize;
            float[] routerScale = reader.vector(block(layer, "ffn_gate_inp.scale"), hidden);
            for (int i = 0; i < hidden; i++) {
                routerScale[i] = (float) (routerScale[i] / Math.sqrt(hidden));
            }
            FeedForward.Experts experts =
                    feedForwards.experts(layer, reader.positive("expert_feed_forward_length"), Gating.SOFTMAX, true);
            FeedForward.Routing routing = experts.routing().withNorm(Norm.rms(routerScale, reader.rmsEpsilon()));
            return new FeedForward.Parallel(
                    dense,
                    reader.rms(block(layer, "post_ffw_norm_1"), hidden),
                    experts.withRouting(routing),
                    FeedForward.Source.LAYER,
                    reader.rms(block(layer, "pre_ffw_norm_2"), hidden),
                    reader.rms(block(layer, "post_ffw_norm_2"), hidden));
        }

        @Override
        Model read() {
            return perLayer.width() == 0 ? super.read() : super.read().withEmbeddingInput(perLayer.input(null));
        }

        @Override
        float embeddingScale() {
            return (float) Math.sqrt(reader.hiddenSize);
        }

        @Override
        float logitSoftcap() {
            return reader.nonNegativeFloat("final_logit_softcapping", 0);
        }
    }
}
