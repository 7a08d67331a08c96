package dev.nibble.model.arch;

import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.Activation;
import dev.nibble.model.Architecture;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.BlockConfig;
import dev.nibble.model.FeedForward.Routing;
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
 * BERT and its relatives: encoders for embeddings. Layer norms after each addition, attention in both directions; BERT has
 * learned positions and a plain feed-forward layer. Nomic BERT rotates and has SwiGLU, or on every second layer experts without
 * a gate; Jina's second version has ALiBi and GEGLU, its third rotates.
 */
public final class Bert implements Architecture {
    private static final String JINA_2 = "jina-bert-v2";

    /** That of ALiBi in Jina's second version. */
    private static final float MAX_BIAS = 8;

    @Override
    public List<String> names() {
        return List.of("bert", "nomic-bert", "nomic-bert-moe", JINA_2, "jina-bert-v3");
    }

    @Override
    public Model read(ModelSource source, int contextLength) {
        ModelReader reader = new ModelReader(source, contextLength);
        boolean jina = reader.architecture.equals(JINA_2);
        boolean nomic = reader.architecture.equals("nomic-bert");
        AttentionReader attentions = new AttentionReader(reader);
        @Nullable RopeConfig rope = jina || reader.architecture.equals("bert")
                ? null
                : new RopeReader(reader, RopeConfig.Style.HALVES).read(attentions.headDim(0));
        FeedForwardReader feedForwards =
                new FeedForwardReader(reader, nomic ? Activation.SILU : Activation.GELU_TANH, nomic || jina);
        int expertPeriod = reader.count("moe_every_n_layers", 0);
        List<BlockConfig> blocks = new ArrayList<>();
        for (int layer = 0; layer < reader.layerCount; layer++) {
            AttentionConfig.Builder attention =
                    attentions.read(layer).rope(rope).bidirectional();
            if (jina) {
                attention
                        .alibi(MAX_BIAS)
                        .norms(
                                optionalNorm(reader, block(layer, "attn_q_norm")),
                                optionalNorm(reader, block(layer, "attn_k_norm")));
            }
            boolean experts = expertPeriod > 0 && layer % expertPeriod == 1;
            blocks.add(BlockConfig.builder()
                    .mixer(null, attention.build())
                    .feedForward(
                            null,
                            experts
                                    ? feedForwards.experts(
                                            layer, feedForwards.expertSize(layer), Routing.Gating.SOFTMAX, false)
                                    : feedForwards.dense(layer))
                    .postNorms(
                            norm(reader, block(layer, "attn_output_norm")),
                            norm(reader, block(layer, "layer_output_norm")))
                    .normsAfterAddition()
                    .readdedNorm(jina ? optionalNorm(reader, block(layer, "attn_norm_2")) : null)
                    .build());
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

    private static Norm norm(ModelReader reader, String name) {
        return reader.norm(name, reader.hiddenSize, Norm.Kind.LAYER);
    }

    private static @Nullable Norm optionalNorm(ModelReader reader, String name) {
        return reader.hasTensor(name + ".weight") ? norm(reader, name) : null;
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
        return new EmbeddingInput.PositionsAndTypes(positions, firstType, norm(reader, "token_embd_norm"));
    }
}
