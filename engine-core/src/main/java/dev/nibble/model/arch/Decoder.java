package dev.nibble.model.arch;

import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.Activation;
import dev.nibble.model.Architecture;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.BlockConfig;
import dev.nibble.model.FeedForward;
import dev.nibble.model.Mixer;
import dev.nibble.model.Model;
import dev.nibble.model.ModelSource;
import dev.nibble.model.RopeConfig;
import java.util.ArrayList;
import java.util.List;

/**
 * What decoder-only transformers have in common. As it stands it is Llama: pre-norm RMS, grouped-query attention,
 * SwiGLU. An architecture overrides what it does otherwise.
 *
 * <p>An instance reads one model; {@link Family} makes one for each file.
 */
abstract class Decoder {

    /** Makes an instance for a file. */
    interface Family extends Architecture {

        Decoder decoder(ModelReader reader);

        @Override
        default Model read(ModelSource source, int contextLength) {
            ModelReader reader = new ModelReader(source, contextLength);
            Model model = decoder(reader).read();
            reader.checkLeftovers();
            return model;
        }
    }

    final ModelReader reader;
    final AttentionReader attentions;
    final RopeReader ropes;
    final FeedForwardReader feedForwards;

    Decoder(ModelReader reader, RopeConfig.Style ropeStyle, Activation activation) {
        this.reader = reader;
        attentions = new AttentionReader(reader);
        ropes = new RopeReader(reader, ropeStyle);
        feedForwards = new FeedForwardReader(reader, activation);
    }

    Model read() {
        List<BlockConfig> blocks = new ArrayList<>();
        for (int layer = 0; layer < reader.layerCount; layer++) {
            blocks.add(blockConfig(layer));
        }
        return Model.generating(
                reader.config(embeddingScale(), logitScale(), logitSoftcap()),
                reader.tokenEmbedding,
                blocks,
                reader.rms(outputNormName(), reader.hiddenSize),
                reader.outputOrTied());
    }

    BlockConfig blockConfig(int layer) {
        return BlockConfig.preNorm(
                reader.rms(block(layer, "attn_norm"), reader.hiddenSize),
                mixer(layer),
                reader.rms(block(layer, "ffn_norm"), reader.hiddenSize),
                feedForward(layer));
    }

    Mixer mixer(int layer) {
        return attention(attentions.read(layer)).build();
    }

    /** Sets what this architecture's attention has beside the projections. */
    abstract AttentionConfig.Builder attention(AttentionConfig.Builder attention);

    FeedForward feedForward(int layer) {
        return feedForwards.dense(layer);
    }

    float embeddingScale() {
        return 1;
    }

    float logitScale() {
        return 1;
    }

    float logitSoftcap() {
        return 0;
    }

    String outputNormName() {
        return "output_norm";
    }
}
