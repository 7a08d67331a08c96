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
import dev.nibble.model.RopeConfig;
import dev.nibble.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * BERT and its relatives: encoders for embeddings. Layer norms after each addition, attention in both directions; BERT has
 * learned positions and a plain feed-forward layer, Jina's third version rotates, Nomic BERT does too and has SwiGLU.
 */
public final class Bert implements Architecture {

    @Override
    public List<String> names() {
        return List.of("bert", "nomic-bert", "jina-bert-v3");
    }

    @Override
    public Model read(ModelSource source, int contextLength) {
        ModelReader reader = new ModelReader(source, contextLength);
        boolean nomic = reader.architecture.equals("nomic-bert");
        AttentionReader attentions = new AttentionReader(reader);
        @Nullable RopeConfig rope = reader.architecture.equals("bert")
                ? null
                : new RopeReader(reader, RopeConfig.Style.HALVES).read(attentions.headDim(0));
        FeedForwardReader feedForwards = new FeedForwardReader(reader, nomic ? Activation.SILU : Activation.GELU_TANH);
        List<BlockConfig> blocks = new ArrayList<>();
        for (int layer = 0; layer < reader.layerCount; layer++) {
            AttentionConfig attention =
                    attentions.read(layer).rope(rope).bidirectional().build();
            FeedForward ffn = nomic ? feedForwards.dense(layer) : feedForwards.ungated(layer);
            blocks.add(BlockConfig.preNorm(null, attention, null, ffn)
                    .withPostNorms(
                            reader.layerNorm(block(layer, "attn_output_norm"), reader.hiddenSize),
                            reader.layerNorm(block(layer, "layer_output_norm"), reader.hiddenSize))
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
        return new EmbeddingInput.PositionsAndTypes(
                positions, firstType, reader.layerNorm("token_embd_norm", reader.hiddenSize));
    }
}
