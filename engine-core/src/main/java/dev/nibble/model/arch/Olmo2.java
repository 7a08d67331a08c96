package dev.nibble.model.arch;

import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.Activation;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.BlockConfig;
import dev.nibble.model.RopeConfig;
import java.util.List;

/**
 * OLMo 2 and 3: norms after each part only, queries and keys normalized over their full width. OLMo 3 has sliding
 * windows on three of four layers, which are rotated without the context extension.
 */
public final class Olmo2 implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("olmo2");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new OlmoDecoder(reader);
    }

    private static final class OlmoDecoder extends Decoder {
        private final RopeConfig fullRope;
        private final RopeConfig windowRope;
        private final int window;
        private final boolean[] windowed;

        OlmoDecoder(ModelReader reader) {
            super(reader, RopeConfig.Style.HALVES, Activation.SILU);
            int headDim = attentions.headDim(0);
            fullRope = ropes.read(headDim);
            windowRope = new RopeConfig(RopeConfig.Style.HALVES, fullRope.dims(), fullRope.theta(), null, 1, null, 1);
            window = reader.count("attention.sliding_window", 0);
            windowed = reader.windowedLayers(window > 0 ? 4 : 0);
        }

        @Override
        AttentionConfig.Builder attention(AttentionConfig.Builder attention) {
            int layer = attention.layer();
            boolean inWindow = windowed[layer] && window > 0;
            int headDim = attentions.headDim(layer);
            return attention
                    .rope(inWindow ? windowRope : fullRope)
                    .window(inWindow ? window : 0)
                    .norms(
                            reader.rms(block(layer, "attn_q_norm"), (long) attentions.headCounts[layer] * headDim),
                            reader.rms(block(layer, "attn_k_norm"), (long) attentions.kvHeadCounts[layer] * headDim));
        }

        @Override
        BlockConfig blockConfig(int layer) {
            return BlockConfig.preNorm(null, mixer(layer), null, feedForward(layer))
                    .withPostNorms(
                            reader.rms(block(layer, "post_attention_norm"), reader.hiddenSize),
                            reader.rms(block(layer, "post_ffw_norm"), reader.hiddenSize));
        }
    }
}
