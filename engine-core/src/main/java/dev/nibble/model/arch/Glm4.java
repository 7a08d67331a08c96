package dev.nibble.model.arch;

import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.Activation;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.BlockConfig;
import dev.nibble.model.RopeConfig;
import java.util.List;

/** GLM-4 (0414): norms before and after each part, fused gate and up, rotation of a part of the head. */
public final class Glm4 implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("glm4");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new Glm4Decoder(reader, RopeReader.axisFactors(reader, reader.hiddenSize) != null);
    }

    private static final class Glm4Decoder extends Decoder {
        private final RopeConfig rope;

        /** @param axes whether the rotation follows several axes, as in GLM-4.1V: it is by halves then */
        Glm4Decoder(ModelReader reader, boolean axes) {
            super(reader, axes ? RopeConfig.Style.HALVES : RopeConfig.Style.ADJACENT, Activation.SILU);
            RopeConfig plain = ropes.read(attentions.headDim(0));
            rope = axes ? plain.withFrequencyFactors(RopeReader.axisFactors(reader, plain.dims())) : plain;
        }

        @Override
        AttentionConfig.Builder attention(AttentionConfig.Builder attention) {
            return attention.rope(rope);
        }

        @Override
        BlockConfig blockConfig(int layer) {
            return super.blockConfig(layer)
                    .withPostNorms(
                            reader.rms(block(layer, "post_attention_norm"), reader.hiddenSize),
                            reader.rms(block(layer, "post_ffw_norm"), reader.hiddenSize));
        }
    }
}
