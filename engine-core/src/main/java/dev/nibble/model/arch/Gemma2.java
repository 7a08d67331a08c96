package dev.nibble.model.arch;

import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.Activation;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.BlockConfig;
import dev.nibble.model.Model;
import dev.nibble.model.Projection;
import dev.nibble.model.RopeConfig;
import java.util.ArrayList;
import java.util.List;

/**
 * Gemma 2 and 3: scaled embeddings, norms before and after each part, GeGLU, sliding windows on most layers. Gemma 2
 * caps scores and logits; Gemma 3 normalizes queries and keys and rotates windowed layers with a base of their own.
 * EmbeddingGemma is Gemma 3 that attends in both directions.
 */
public final class Gemma2 implements Decoder.Family {
    /** The 27B models scale scores by the width of the hidden state, not of the heads. */
    private static final int GEMMA2_27B_LAYERS = 46;

    private static final int GEMMA3_27B_LAYERS = 62;

    @Override
    public List<String> names() {
        return List.of("gemma2", "gemma3", "gemma-embedding");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new GemmaDecoder(reader, !reader.architecture.equals("gemma2"));
    }

    private static final class GemmaDecoder extends Decoder {
        private final boolean third;
        private final boolean embedding;
        private final RopeConfig fullRope;
        private final RopeConfig windowRope;
        private final boolean[] windowed;
        private final int window;

        GemmaDecoder(ModelReader reader, boolean third) {
            super(reader, RopeConfig.Style.HALVES, Activation.GELU_TANH);
            this.third = third;
            embedding = reader.architecture.equals("gemma-embedding");
            int headDim = attentions.headDim(0);
            fullRope = ropes.read(headDim);
            windowRope = third
                    ? ropes.unscaled(fullRope.dims(), headDim, reader.positiveFloat("rope.freq_base_swa", 10000))
                    : fullRope;
            window = reader.count("attention.sliding_window", third ? 0 : 4096);
            windowed = RotationReader.windowedLayers(reader, third ? 6 : 2, false);
        }

        @Override
        AttentionConfig.Builder attention(AttentionConfig.Builder attention) {
            int layer = attention.layer();
            boolean inWindow = windowed[layer] && window > 0;
            if (embedding) {
                attention.bidirectional();
            }
            attention.rope(inWindow ? windowRope : fullRope).window(inWindow ? window : 0);
            if (reader.layerCount == (third ? GEMMA3_27B_LAYERS : GEMMA2_27B_LAYERS)) {
                attention.scale((float) (1 / Math.sqrt((double) reader.hiddenSize / attentions.headCounts[layer])));
            }
            if (third) {
                int headDim = attentions.headDim(layer);
                attention.norms(
                        reader.rms(block(layer, "attn_q_norm"), headDim),
                        reader.rms(block(layer, "attn_k_norm"), headDim));
            } else {
                attention.softcap(reader.nonNegativeFloat("attn_logit_softcapping", 50));
            }
            return attention;
        }

        @Override
        BlockConfig blockConfig(int layer) {
            return super.blockConfig(layer)
                    .withPostNorms(
                            reader.rms(block(layer, "post_attention_norm"), reader.hiddenSize),
                            reader.rms(block(layer, "post_ffw_norm"), reader.hiddenSize));
        }

        @Override
        Model read() {
            Model model = super.read();
            return embedding ? model.withPooling(Model.Pooling.MEAN).withEmbeddingLayers(embeddingLayers()) : model;
        }

        /** The dense layers that sentence-transformers puts behind the pooling. */
        private List<Projection> embeddingLayers() {
            List<Projection> layers = new ArrayList<>();
            int width = reader.hiddenSize;
            for (String name : List.of("dense_2", "dense_3")) {
                if (reader.hasTensor(name + ".weight")) {
                    int size = reader.rows(name + ".weight");
                    layers.add(reader.projection(name, width, size));
                    width = size;
                }
            }
            return layers;
        }

        @Override
        float embeddingScale() {
            return (float) Math.sqrt(reader.hiddenSize);
        }

        @Override
        float logitSoftcap() {
            return reader.nonNegativeFloat("final_logit_softcapping", third ? 0 : 30);
        }
    }
}
