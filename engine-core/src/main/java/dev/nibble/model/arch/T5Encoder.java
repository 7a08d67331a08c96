package dev.nibble.model.arch;

import dev.nibble.model.Activation;
import dev.nibble.model.Architecture;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.AttentionConfig.RelativeBias;
import dev.nibble.model.BlockConfig;
import dev.nibble.model.FeedForward;
import dev.nibble.model.Model;
import dev.nibble.model.ModelSource;
import dev.nibble.model.Norm;
import java.util.ArrayList;
import java.util.List;

/**
 * The encoder of T5 alone, as models that make images have it: RMS norms, unscaled scores with a bias for each distance, which the
 * first layer has for all; GELU gates, or in the first models ReLU without.
 */
public final class T5Encoder implements Architecture {
    /** Farther keys count as so far. */
    private static final int REACH = 128;

    @Override
    public List<String> names() {
        return List.of("t5encoder");
    }

    @Override
    public Model read(ModelSource source, int contextLength) {
        ModelReader reader = new ModelReader(source, contextLength);
        AttentionReader attentions = new AttentionReader(reader);
        FeedForwardReader feedForwards = new FeedForwardReader(reader, Activation.GELU_TANH);
        reader.key("attention.layer_norm_epsilon"); // the same as that of the norms
        int heads = attentions.headCounts[0];
        int buckets = reader.positive("attention.relative_buckets_count");
        if (buckets < 4 || buckets % 4 != 0) {
            throw reader.metadata.failure(
                    reader.key("attention.relative_buckets_count"), "expected a multiple of 4, found " + buckets);
        }
        RelativeBias bias = RelativeBias.ofBuckets(
                reader.values(reader.tensor("enc.blk.0.attn_rel_b.weight", heads, buckets)), heads, REACH, true);
        List<BlockConfig> blocks = new ArrayList<>();
        for (int layer = 0; layer < reader.layerCount; layer++) {
            String prefix = "enc.blk." + layer + ".";
            int hidden = reader.hiddenSize;
            int keyDim = attentions.headDim(layer);
            int valueDim = attentions.valueDim(layer);
            long queryWidth = (long) heads * keyDim;
            long valueWidth = (long) heads * valueDim;
            AttentionConfig attention = new AttentionConfig.Builder(
                            layer,
                            heads,
                            heads,
                            keyDim,
                            valueDim,
                            reader.projection(prefix + "attn_q", hidden, queryWidth),
                            reader.projection(prefix + "attn_k", hidden, queryWidth),
                            reader.projection(prefix + "attn_v", hidden, valueWidth),
                            reader.projection(prefix + "attn_o", valueWidth, hidden))
                    .scale(1)
                    .relativeBias(bias)
                    .bidirectional()
                    .build();
            blocks.add(BlockConfig.preNorm(
                    norm(reader, prefix + "attn_norm"),
                    attention,
                    norm(reader, prefix + "ffn_norm"),
                    feedForward(reader, prefix, feedForwards.size(layer))));
        }
        Model model = new Model(
                reader.config(1, 1, 0),
                reader.tokenEmbedding,
                null,
                blocks,
                norm(reader, "enc.output_norm"),
                null,
                Model.Pooling.MEAN,
                List.of());
        reader.checkLeftovers();
        return model;
    }

    private static Norm norm(ModelReader reader, String name) {
        return reader.norm(name, reader.hiddenSize, Norm.Kind.RMS);
    }

    private static FeedForward feedForward(ModelReader reader, String prefix, int size) {
        int hidden = reader.hiddenSize;
        boolean gated = reader.hasTensor(prefix + "ffn_gate.weight");
        return new FeedForward.Dense(
                gated ? reader.projection(prefix + "ffn_gate", hidden, size) : null,
                reader.projection(prefix + "ffn_up", hidden, size),
                reader.projection(prefix + "ffn_down", size, hidden),
                gated ? Activation.GELU_TANH : Activation.RELU);
    }
}
