package dev.nibble.model.arch;

import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.Activation;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.BlockConfig;
import dev.nibble.model.FeedForward;
import dev.nibble.model.Mixer;
import dev.nibble.model.Model;
import dev.nibble.model.Norm;
import dev.nibble.model.RopeConfig;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Gemma 3n: several streams of which each block computes one (AltUp), a low-rank residual (LAuReL), per-layer
 * embeddings, sparse gates in the first layers, keys and values shared by the last layers.
 */
public final class Gemma3n implements Decoder.Family {
    /** Layers with keys and values of their own, and with sparse gates, where the file does not say. */
    private static final int OWN_KV_LAYERS = 20;

    private static final int SPARSE_LAYERS = 10;

    /** Deviations above the mean that 5 % of a normal distribution exceed. */
    private static final float SPARSITY = 1.6448536f;

    @Override
    public List<String> names() {
        return List.of("gemma3n");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new Gemma3nDecoder(reader);
    }

    private static final class Gemma3nDecoder extends Decoder {
        private final PerLayerReader perLayer;
        private final int streams;
        private final boolean[] windowed;
        private final int window;
        private final int ownKvLayers;
        private final RopeConfig fullRope;
        private final RopeConfig windowRope;
        private final float @Nullable [] sparsity;

        Gemma3nDecoder(ModelReader reader) {
            super(reader, RopeConfig.Style.HALVES, Activation.GELU_TANH);
            perLayer = new PerLayerReader(reader);
            streams = reader.positive("altup.num_inputs", 4);
            windowed = RotationReader.windowedLayers(reader, 5, false);
            window = reader.positive("attention.sliding_window");
            ownKvLayers = attentions.ownKvLayers(Math.max(0, reader.layerCount - OWN_KV_LAYERS));
            int headDim = attentions.commonDim("");
            fullRope = ropes.read(headDim);
            windowRope = ropes.unscaled(fullRope.dims(), headDim, reader.positiveFloat("rope.freq_base_swa", 10000));
            sparsity = reader.perLayerFloat("activation_sparsity_scale");
        }

        @Override
        Mixer mixer(int layer) {
            int source = layer < ownKvLayers ? layer : ownKvLayers - (windowed[layer] ? 2 : 1);
            return attention(attentions.readShared(layer, attentions.headDim(layer), source))
                    .build();
        }

        @Override
        AttentionConfig.Builder attention(AttentionConfig.Builder attention) {
            int layer = attention.layer();
            int headDim = attentions.headDim(layer);
            @Nullable Norm keyNorm = layer < ownKvLayers ? reader.rms(block(layer, "attn_k_norm"), headDim) : null;
            return attention
                    .rope(windowed[layer] ? windowRope : fullRope)
                    .window(windowed[layer] ? window : 0)
                    .scale(reader.factor("attention.scale", 1))
                    .normalizeValue(reader.rmsEpsilon())
                    .norms(reader.rms(block(layer, "attn_q_norm"), headDim), keyNorm);
        }

        @Override
        FeedForward feedForward(int layer) {
            float deviations = sparsity != null ? sparsity[layer] : layer < SPARSE_LAYERS ? SPARSITY : 0;
            return feedForwards.dense(layer).withSparsity(deviations);
        }

        @Override
        BlockConfig blockConfig(int layer) {
            int hidden = reader.hiddenSize;
            int rank = reader.rows(block(layer, "laurel_l.weight"));
            BlockConfig.AltUp altUp = new BlockConfig.AltUp(
                    reader.projection(block(layer, "altup_router"), hidden, streams),
                    reader.rms(block(layer, "altup_router_norm"), hidden),
                    reader.projection(block(layer, "altup_predict_coef"), streams, (long) streams * streams),
                    reader.projection(block(layer, "altup_correct_coef"), streams, streams),
                    reader.vector(block(layer, "altup_correct_scale.weight"), hidden),
                    reader.projection(block(layer, "laurel_l"), hidden, rank),
                    reader.projection(block(layer, "laurel_r"), rank, hidden),
                    reader.rms(block(layer, "laurel_post_norm"), hidden));
            return super.blockConfig(layer)
                    .withPostNorms(
                            reader.rms(block(layer, "post_attention_norm"), hidden),
                            reader.rms(block(layer, "post_ffw_norm"), hidden))
                    .withStreams(perLayer.block(layer), altUp);
        }

        @Override
        Model read() {
            int active = reader.count("altup.active_idx", 0);
            if (streams < 2 || active >= streams || perLayer.width() == 0) {
                throw reader.failure("the AltUp sizes do not fit together: " + streams + " streams, active " + active
                        + ", per-layer width " + perLayer.width());
            }
            return super.read()
                    .withEmbeddingInput(perLayer.input(new Model.Streams(
                            streams,
                            active,
                            reader.projections("altup_proj", reader.hiddenSize, reader.hiddenSize, streams - 1),
                            reader.projections(
                                    "altup_unembd_proj", reader.hiddenSize, reader.hiddenSize, streams - 1))));
        }

        @Override
        float embeddingScale() {
            return (float) Math.sqrt(reader.hiddenSize);
        }

        @Override
        float logitSoftcap() {
            return reader.nonNegativeFloat("final_logit_softcapping", 30);
        }
    }
}
