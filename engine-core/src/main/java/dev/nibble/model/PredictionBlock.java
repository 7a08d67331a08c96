package dev.nibble.model;

import dev.nibble.tensor.Tensor;
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
 */
public record PredictionBlock(
        @Nullable Tensor tokenEmbedding,
        Norm embeddingNorm,
        Norm hiddenNorm,
        Projection projection,
        BlockConfig block,
        @Nullable Norm outputNorm,
        @Nullable Projection output) {}
