package dev.nibble.model.arch;

import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.Activation;
import dev.nibble.model.Architecture;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.BlockConfig;
import dev.nibble.model.FeedForward;
import dev.nibble.model.Model;
import dev.nibble.model.Model.EmbeddingInput;
import dev.nibble.model.ModelSource;
import dev.nibble.model.Norm;
import dev.nibble.model.RopeConfig;
import dev.nibble.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * BERT and Nomic BERT: encoders for embeddings. Layer norms after each addition, attention in both directions; BERT has
 * learned positions and a plain feed-forward layer, Nomic BERT rotates and has SwiGLU.
 */
public final class Bert implements Architecture {

    @Override
    public List<String> names() {
        return List.of("bert", "nomic-bert");
    }

    @Override
    public Model read(ModelSource source, int contextLength) {
        ModelReader reader = new ModelReader(source, contextLength);
        boolean nomic = reader.architecture.equals("nomic-bert");
        AttentionReader attentions = new AttentionReader(reader);
        @Nullable RopeConfig rope = nomic ? new RopeReader(reader, RopeConfig.Style.HALVES).read(attentions.headDim(0)) : null;
        FeedForwardReader feedForwards = new FeedForwardReader(reader, nomic ? Activation.SILU : Activation.GELU_TANH);
        List<BlockConfig> blocks = new ArrayList<>();
        for (int layer = 0; layer < reader.layerCount; layer++) {
            AttentionConfig attention =
                    attentions.read(layer).rope(rope).bidirectional().build();
            FeedForward ffn = nomic ? feedForwards.dense(layer) : feedForwards.ungated(layer);
            blocks.add(BlockConfig.preNorm(null, attention, null, ffn)
                    .withPostNorms(
                            layerNorm(reader, block(layer, "attn_output_norm")),
                            layerNorm(reader, block(layer, "layer_output_norm")))
                    .withNormsAfterAddition());
        }
        Model model = new Model(
                reader.config(1, 1, 0),
                reader.tokenEmbedding,
                input(reader),
                blocks,
                null,
                null,
                Model.Pooling.MEAN,
                List.of());
        reader.checkLeftovers();
        return model;
    }

    private static EmbeddingInput input(ModelReader reader) {
        @Nullable Tensor positions = reader.hasTensor("position_embd.weight")
                ? reader.tensor("position_embd.weight", reader.hiddenSize, reader.contextLength)
                : null;
        float[] firstType = null;
        if (reader.hasTensor("token_types.weight")) {
            int types = reader.rows("token_types.weight");
            firstType = reader.values(reader.tensor("token_types.weight", reader.hiddenSize, types)
                    .rowRange(0, 1));
        }
        return new EmbeddingInput.PositionsAndTypes(positions, firstType, layerNorm(reader, "token_embd_norm"));
    }

    private static Norm layerNorm(ModelReader reader, String name) {
        return new Norm(
                reader.vector(name + ".weight", reader.hiddenSize),
                reader.optionalVector(name + ".bias", reader.hiddenSize),
                reader.epsilon("attention.layer_norm_epsilon"),
                Norm.Kind.LAYER);
    }
}
