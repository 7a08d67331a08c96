package dev.nibble.model;

import dev.nibble.tensor.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A model as data, for a backend to run. The tensors are views of the open file.
 *
 * @param config dimensions
 * @param tokenEmbedding [hiddenSize, vocabSize]
 * @param embeddingInput what else makes up the input of the first block, or null
 * @param blocks the blocks in order
 * @param outputNorm before the output projection, or null
 * @param output [hiddenSize] to [vocabSize], null for a model without logits (embedding models)
 * @param pooling how the positions' states become one embedding, or null for a model that generates
 * @param embeddingLayers linear maps of the pooled embedding, one after the other; often none
 * @param adapters what sequences may choose to be added to the weights; often none
 * @param encoder what reads the text that this model, a decoder, answers; null for a model that goes on with its own text
 * @param predictionBlocks blocks that predict further tokens, in order; often none. The model does without: they are evaluated as
 *     models of their own, if at all, and take no memory but that of the mapped file before
 */
public record Model(
        ModelConfig config,
        Tensor tokenEmbedding,
        @Nullable EmbeddingInput embeddingInput,
        List<BlockConfig> blocks,
        @Nullable Norm outputNorm,
        @Nullable Projection output,
        @Nullable Pooling pooling,
        List<Projection> embeddingLayers,
        List<Adapter> adapters,
        @Nullable Encoder encoder,
        List<PredictionBlock> predictionBlocks) {

    public Model {
        blocks = List.copyOf(blocks);
        predictionBlocks = List.copyOf(predictionBlocks);
        embeddingLayers = List.copyOf(embeddingLayers);
        adapters = List.copyOf(adapters);
        for (int layer = 0; layer < blocks.size(); layer++) {
            if (blocks.get(layer).mixer() instanceof AttentionConfig attention && attention.kvLayer() != layer) {
                checkShared(blocks, layer, attention);
            }
        }
    }

    /** A model without adapters, encoder and blocks that predict. */
    public Model(
            ModelConfig config,
            Tensor tokenEmbedding,
            @Nullable EmbeddingInput embeddingInput,
            List<BlockConfig> blocks,
            @Nullable Norm outputNorm,
            @Nullable Projection output,
            @Nullable Pooling pooling,
            List<Projection> embeddingLayers) {
        this(
                config,
                tokenEmbedding,
                embeddingInput,
                blocks,
                outputNorm,
                output,
                pooling,
                embeddingLayers,
                List.of(),
                null,
                List.of());
    }

    private static void checkShared(List<BlockConfig> blocks, int layer, AttentionConfig attention) {
        int source = attention.kvLayer();
        if (source < 0
                || source >= layer
                || !(blocks.get(source).mixer() instanceof AttentionConfig shared)
                || shared.kvLayer() != source
                || shared.kvHeadCount() != attention.kvHeadCount()
                || shared.headDim() != attention.headDim()
                || shared.valueDim() != attention.valueDim()
                || shared.window() != attention.window()) {
            throw new IllegalArgumentException("layer " + layer + " cannot use the keys and values of layer " + source
                    + ": " + attention.kvHeadCount() + " heads of " + attention.headDim() + " and a window of "
                    + attention.window() + " are not what that layer has");
        }
    }

    /** A generating model whose input is the token embedding alone. */
    public static Model generating(
            ModelConfig config,
            Tensor tokenEmbedding,
            List<BlockConfig> blocks,
            @Nullable Norm outputNorm,
            Projection output) {
        return new Model(config, tokenEmbedding, null, blocks, outputNorm, output, null, List.of());
    }

    /** The same model with further input. */
    public Model withEmbeddingInput(EmbeddingInput input) {
        Parts parts = new Parts(this);
        parts.embeddingInput = input;
        return parts.model();
    }

    /** The same model as an embedding model. */
    public Model withPooling(Pooling how) {
        Parts parts = new Parts(this);
        parts.pooling = how;
        parts.output = null;
        return parts.model();
    }

    /** The same model with linear maps of the pooled embedding. */
    public Model withEmbeddingLayers(List<Projection> layers) {
        Parts parts = new Parts(this);
        parts.embeddingLayers = layers;
        return parts.model();
    }

    /** The same model with adapters, of its encoder too. */
    public Model withAdapters(List<Adapter> beside) {
        Parts parts = new Parts(this);
        parts.adapters = beside;
        parts.encoder =
                encoder == null ? null : new Encoder(encoder.model().withAdapters(beside), encoder.startToken());
        return parts.model();
    }

    /** The same model as the decoder of an encoder's states. */
    public Model withEncoder(Encoder reader) {
        Parts parts = new Parts(this);
        parts.encoder = reader;
        return parts.model();
    }

    /** The same model with blocks that predict further tokens. */
    public Model withPredictionBlocks(List<PredictionBlock> further) {
        Parts parts = new Parts(this);
        parts.predictionBlocks = further;
        return parts.model();
    }

    /** The scale of each adapter for sequences that choose nothing. */
    public float[] adapterScales() {
        float[] scales = new float[adapters.size()];
        for (int i = 0; i < scales.length; i++) {
            scales[i] = adapters.get(i).scale();
        }
        return scales;
    }

    /** Whether every position sees only itself and earlier ones. */
    public boolean isCausal() {
        return blocks.stream()
                .allMatch(block -> !(block.mixer() instanceof AttentionConfig attention) || attention.causal());
    }

    /**
     * What reads the text that a decoder answers: each position of it sees all others.
     *
     * @param model whose states, after its output norm, are those that the decoder's cross attention reads; of the same hidden
     *     size and vocabulary
     * @param startToken the first token of every answer
     */
    public record Encoder(Model model, int startToken) {}

    /** How the positions' states become one embedding. */
    public enum Pooling {
        /** Not at all: each token keeps its own. */
        NONE,
        /** Their mean. */
        MEAN,
        /** That of the first token, BERT's {@code [CLS]}. */
        FIRST,
        /** That of the last token. */
        LAST
    }

    /** What else makes up the input of the first block. */
    public sealed interface EmbeddingInput {

        /**
         * BERT, GPT-2 and others: learned positions and token types are added, then a norm.
         *
         * @param positions [hiddenSize, contextLength], or null
         * @param tokenType [hiddenSize], the embedding of type 0
         * @param norm applied to the sum, or null
         */
        record PositionsAndTypes(
                @Nullable Tensor positions,
                float @Nullable [] tokenType,
                @Nullable Norm norm) implements EmbeddingInput {}

        /**
         * The second of two states that take turns; the first is the embedding, and the first block reads their sum.
         *
         * @param other [hiddenSize]
         */
        record States(float[] other) implements EmbeddingInput {}

        /**
         * A block that predicts, as a model of its own: each token's embedding and a state beside it make one input.
         *
         * @param embeddingNorm over the hidden size
         * @param stateNorm over the hidden size
         * @param projection [2 · hiddenSize] to [hiddenSize], of the embedding and then the state
         */
        record Joined(Norm embeddingNorm, Norm stateNorm, Projection projection) implements EmbeddingInput {}

        /**
         * Residual streams that blocks are connected to.
         *
         * @param count streams that begin as the embedding; 0 where earlier states are kept beside a single stream
         * @param end what the output norm reads
         */
        record Connected(int count, Connection end) implements EmbeddingInput {}

        /**
         * Gemma 3n and 4: an embedding of the token for each layer, mixed with a projection of the input.
         *
         * @param width elements for each layer
         * @param embedding [width · layerCount, vocabSize]
         * @param projection [hiddenSize] to [width · layerCount]
         * @param projectionNorm over the width
         * @param streams the AltUp streams of Gemma 3n, or null
         */
        record PerLayer(
                int width,
                Tensor embedding,
                Projection projection,
                Norm projectionNorm,
                @Nullable Streams streams) implements EmbeddingInput {}
    }

    /**
     * AltUp's streams: how they are made from the embedding and merged at the end.
     *
     * @param count streams
     * @param active the stream the blocks compute
     * @param make [hiddenSize] to [hiddenSize], one for each stream but the first
     * @param merge likewise
     */
    public record Streams(int count, int active, List<Projection> make, List<Projection> merge) {}

    /** The parts of a model, some of which become others before a model is made of them again. */
    private static final class Parts {
        private final ModelConfig config;
        private final Tensor tokenEmbedding;
        private @Nullable EmbeddingInput embeddingInput;
        private final List<BlockConfig> blocks;
        private final @Nullable Norm outputNorm;
        private @Nullable Projection output;
        private @Nullable Pooling pooling;
        private List<Projection> embeddingLayers;
        private List<Adapter> adapters;
        private @Nullable Encoder encoder;
        private List<PredictionBlock> predictionBlocks;

        Parts(Model model) {
            config = model.config;
            tokenEmbedding = model.tokenEmbedding;
            embeddingInput = model.embeddingInput;
            blocks = model.blocks;
            outputNorm = model.outputNorm;
            output = model.output;
            pooling = model.pooling;
            embeddingLayers = model.embeddingLayers;
            adapters = model.adapters;
            encoder = model.encoder;
            predictionBlocks = model.predictionBlocks;
        }

        Model model() {
            return new Model(
                    config,
                    tokenEmbedding,
                    embeddingInput,
                    blocks,
                    outputNorm,
                    output,
                    pooling,
                    embeddingLayers,
                    adapters,
                    encoder,
                    predictionBlocks);
        }
    }
}
