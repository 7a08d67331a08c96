package dev.nibble.model;

import dev.nibble.tensor.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A block that predicts one token more (multi-token prediction, arXiv 2412.19437, section 2.2):
 * {@code h' = block(projection([embeddingNorm(e); hiddenNorm(h)]))}, with the state h that the model has at a position and the
 * embedding e of the token behind it. The logits of the token after that one are {@code output(outputNorm(h'))}. A block behind
 * another reads h' of that, one position on.
 *
 * @param tokenEmbedding [hiddenSize, vocabSize], null for that of the model
 * @param embeddingNorm over the hidden size
 * @param hiddenNorm over the hidden size
 * @param projection [2 · hiddenSize] to [hiddenSize]
 * @param block the rest, with keys and values of its own
 * @param outputNorm before the output projection, null for that of the model
 * @param output [hiddenSize] to [vocabSize], null for that of the model
 * @param readsNormed whether h and h' are read as the output norm returns them, or as it reads them
 */
public record PredictionBlock(
        @Nullable Tensor tokenEmbedding,
        Norm embeddingNorm,
        Norm hiddenNorm,
        Projection projection,
        BlockConfig block,
        @Nullable Norm outputNorm,
        @Nullable Projection output,
        boolean readsNormed) {

    /**
     * The block as a model that reads a state beside each token.
     *
     * @param of the model that it is part of
     * @return null if the block cannot be evaluated apart from that, as where there are several residual streams
     */
    public @Nullable Model alone(Model of) {
        Mixer mixer = block.mixer();
        boolean choosesAsBefore =
                mixer instanceof LatentAttentionConfig latent && latent.choice() != null && latent.indexer() == null;
        if (of.embeddingInput() != null || block.connections() != null || choosesAsBefore) {
            return null;
        }
        ModelConfig config = of.config();
        return new Model(
                new ModelConfig(
                        config.architecture(),
                        config.vocabSize(),
                        config.contextLength(),
                        config.maxContextLength(),
                        config.hiddenSize(),
                        1,
                        config.embeddingScale(),
                        config.logitScale(),
                        config.logitSoftcap()),
                tokenEmbedding == null ? of.tokenEmbedding() : tokenEmbedding,
                new Model.EmbeddingInput.Joined(embeddingNorm, hiddenNorm, projection),
                List.of(block.with()
                        .mixer(
                                block.mixerNorm(),
                                mixer instanceof AttentionConfig attention ? attention.withKvLayer(0) : mixer)
                        .build()),
                outputNorm == null ? of.outputNorm() : outputNorm,
                output == null ? of.output() : output,
                null,
                List.of());
    }
}
