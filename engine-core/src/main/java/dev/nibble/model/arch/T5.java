package dev.nibble.model.arch;

import dev.nibble.model.Activation;
import dev.nibble.model.Architecture;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.AttentionConfig.RelativeBias;
import dev.nibble.model.BlockConfig;
import dev.nibble.model.CrossAttentionConfig;
import dev.nibble.model.FeedForward;
import dev.nibble.model.Model;
import dev.nibble.model.ModelSource;
import dev.nibble.model.Norm;
import dev.nibble.model.Projection;
import java.util.ArrayList;
import java.util.List;

/**
 * T5 and FLAN-T5, which read a text with an encoder and answer with a decoder, and the encoder alone, as models that make images
 * have it: RMS norms, unscaled scores with a bias for each distance, which the first layer has for all; GELU gates, or in the
 * first models ReLU without.
 */
public final class T5 implements Architecture {
    private static final String ENCODER = "t5encoder";

    @Override
    public List<String> names() {
        return List.of("t5", ENCODER);
    }

    @Override
    public Model read(ModelSource source, int contextLength) {
        ModelReader reader = new ModelReader(source, contextLength);
        Stacks stacks = new Stacks(reader);
        Model encoder = stacks.encoder();
        Model model = reader.architecture.equals(ENCODER) ? encoder : stacks.decoder(encoder);
        reader.checkLeftovers();
        return model;
    }

    /** Reads the two stacks of blocks of a file, which have the same dimensions. */
    private static final class Stacks {
        /** Farther keys count as so far. */
        private static final int REACH = 128;

        private final ModelReader reader;
        private final FeedForwardReader feedForwards;
        private final int hidden;
        private final int heads;
        private final int keyDim;
        private final int valueDim;

        Stacks(ModelReader reader) {
            this.reader = reader;
            feedForwards = new FeedForwardReader(reader, Activation.GELU_TANH);
            AttentionReader attentions = new AttentionReader(reader);
            if (reader.has("attention.layer_norm_epsilon")) {
                reader.epsilon(Norm.Kind.LAYER); // of no norm here, and the same as theirs
            }
            hidden = reader.hiddenSize;
            heads = attentions.headCounts[0];
            keyDim = attentions.headDim(0);
            valueDim = attentions.valueDim(0);
        }

        Model encoder() {
            RelativeBias bias = bias("enc.blk.0.", true);
            List<BlockConfig> blocks = new ArrayList<>();
            for (int layer = 0; layer < reader.layerCount; layer++) {
                String prefix = "enc.blk." + layer + ".";
                blocks.add(BlockConfig.preNorm(
                        norm(prefix + "attn_norm"),
                        attention(layer, prefix, bias).bidirectional().build(),
                        norm(prefix + "ffn_norm"),
                        feedForward(prefix, feedForwards.size(layer))));
            }
            return new Model(
                    reader.config(1, 1, 0),
                    reader.tokenEmbedding,
                    null,
                    blocks,
                    norm("enc.output_norm"),
                    null,
                    Model.Pooling.MEAN,
                    List.of());
        }

        /** Each layer is two blocks: attention alone, then cross attention with the feed-forward layer. */
        Model decoder(Model encoder) {
            int layers = reader.positive("decoder_block_count", reader.layerCount);
            if (layers > reader.layerCount) {
                throw reader.metadata.failure(
                        reader.key("decoder_block_count"),
                        layers + " layers of the decoder are more than the " + reader.layerCount + " of the encoder");
            }
            RelativeBias bias = bias("dec.blk.0.", false);
            List<BlockConfig> blocks = new ArrayList<>();
            for (int layer = 0; layer < layers; layer++) {
                String prefix = "dec.blk." + layer + ".";
                blocks.add(BlockConfig.builder()
                        .mixer(
                                norm(prefix + "attn_norm"),
                                attention(blocks.size(), prefix, bias).build())
                        .build());
                blocks.add(BlockConfig.preNorm(
                        norm(prefix + "cross_attn_norm"),
                        crossAttention(prefix),
                        norm(prefix + "ffn_norm"),
                        feedForward(prefix, feedForwards.size(layer))));
            }
            return Model.generating(
                            reader.config(blocks.size(), 1, 1, 0),
                            reader.tokenEmbedding,
                            blocks,
                            norm("dec.output_norm"),
                            reader.outputOrTied())
                    .withEncoder(new Model.Encoder(encoder, startToken()));
        }

        private int startToken() {
            String key = reader.key("decoder_start_token_id");
            int token = reader.metadata.requireInt(key);
            if (token < 0 || token >= reader.vocabSize) {
                throw reader.metadata.failure(
                        key, "expected a token, whose ids are 0 to " + (reader.vocabSize - 1) + ", found " + token);
            }
            return token;
        }

        private RelativeBias bias(String prefix, boolean bothWays) {
            int buckets = reader.positive("attention.relative_buckets_count");
            if (buckets < 4 || buckets % 4 != 0) {
                throw reader.metadata.failure(
                        reader.key("attention.relative_buckets_count"), "expected a multiple of 4, found " + buckets);
            }
            return RelativeBias.ofBuckets(
                    reader.values(reader.tensor(prefix + "attn_rel_b.weight", heads, buckets)), heads, REACH, bothWays);
        }

        private AttentionConfig.Builder attention(int block, String prefix, RelativeBias bias) {
            return new AttentionConfig.Builder(
                            block,
                            heads,
                            heads,
                            keyDim,
                            valueDim,
                            input(prefix + "attn_q", keyDim),
                            input(prefix + "attn_k", keyDim),
                            input(prefix + "attn_v", valueDim),
                            output(prefix + "attn_o"))
                    .scale(1)
                    .relativeBias(bias);
        }

        private CrossAttentionConfig crossAttention(String prefix) {
            return new CrossAttentionConfig(
                    heads,
                    keyDim,
                    valueDim,
                    input(prefix + "cross_attn_q", keyDim),
                    input(prefix + "cross_attn_k", keyDim),
                    input(prefix + "cross_attn_v", valueDim),
                    output(prefix + "cross_attn_o"),
                    1);
        }

        private Projection input(String name, int headSize) {
            return reader.projection(name, hidden, (long) heads * headSize);
        }

        private Projection output(String name) {
            return reader.projection(name, (long) heads * valueDim, hidden);
        }

        private Norm norm(String name) {
            return reader.norm(name, hidden, Norm.Kind.RMS);
        }

        private FeedForward feedForward(String prefix, int size) {
            boolean gated = reader.hasTensor(prefix + "ffn_gate.weight");
            return new FeedForward.Dense(
                    gated ? reader.projection(prefix + "ffn_gate", hidden, size) : null,
                    reader.projection(prefix + "ffn_up", hidden, size),
                    reader.projection(prefix + "ffn_down", size, hidden),
                    gated ? Activation.GELU_TANH : Activation.RELU);
        }
    }
}
