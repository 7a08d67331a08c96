package dev.nibble.model.arch;

import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.Activation;
import dev.nibble.model.Architecture;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.BlockConfig;
import dev.nibble.model.Model;
import dev.nibble.model.Model.EmbeddingInput;
import dev.nibble.model.ModelSource;
import dev.nibble.model.Norm;
import dev.nibble.model.RopeConfig;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * ModernBERT: an encoder with norms before its layers, rotation and GELU gates. Most layers see a window around each
 * position and rotate by a base of their own; the first and every third after it see all.
 */
public final class ModernBert implements Architecture {
    private static final int FULL_PERIOD = 3;

    @Override
    public List<String> names() {
        return List.of("modern-bert");
    }

    @Override
    public Model read(ModelSource source, int contextLength) {
        ModelReader reader = new ModelReader(source, contextLength);
        AttentionReader attentions = new AttentionReader(reader);
        FeedForwardReader feedForwards = new FeedForwardReader(reader, Activation.GELU_TANH);
        RopeReader ropes = new RopeReader(reader, RopeConfig.Style.HALVES);
        int headDim = attentions.headDim(0);
        RopeConfig fullRope = ropes.read(headDim);
        RopeConfig windowRope =
                ropes.unscaled(fullRope.dims(), headDim, reader.positiveFloat("rope.freq_base_swa", ropes.theta()));
        int window = reader.count(SideKeys.WINDOW, 0);
        boolean[] windowed = RotationReader.windowedLayers(reader, FULL_PERIOD, true);
        List<BlockConfig> blocks = new ArrayList<>();
        for (int layer = 0; layer < reader.layerCount; layer++) {
            boolean inWindow = windowed[layer] && window > 0;
            AttentionConfig attention = attentions
                    .read(layer)
                    .rope(inWindow ? windowRope : fullRope)
                    .window(inWindow ? window : 0)
                    .bidirectional()
                    .build();
            // the embedding is normalized as it is, so the first block has no norm of its own
            @Nullable Norm norm = layer == 0 && !reader.hasTensor(block(layer, "attn_norm.weight"))
                    ? null
                    : reader.norm(block(layer, "attn_norm"), reader.hiddenSize, Norm.Kind.LAYER);
            blocks.add(BlockConfig.preNorm(
                    norm,
                    attention,
                    reader.norm(block(layer, "ffn_norm"), reader.hiddenSize, Norm.Kind.LAYER),
                    feedForwards.dense(layer)));
        }
        Model model = new Model(
                reader.config(1, 1, 0),
                reader.tokenEmbedding,
                new EmbeddingInput.PositionsAndTypes(
                        null, null, reader.norm("token_embd_norm", reader.hiddenSize, Norm.Kind.LAYER)),
                blocks,
                reader.norm("output_norm", reader.hiddenSize, Norm.Kind.LAYER),
                null,
                Model.Pooling.MEAN,
                List.of());
        reader.checkLeftovers();
        return model;
    }
}
