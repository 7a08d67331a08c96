package dev.nibble.model;

/**
 * The dimensions of a model.
 *
 * @param architecture its name in the file, as {@code llama}
 * @param vocabSize rows of the token embedding
 * @param contextLength tokens the model was trained for
 * @param maxContextLength tokens that it can hold at all; {@link Integer#MAX_VALUE} where nothing but memory limits them
 * @param hiddenSize elements of a position's state
 * @param layerCount blocks
 * @param embeddingScale factor of the token embeddings
 * @param logitScale factor of the logits
 * @param logitSoftcap c in c·tanh(logit/c), 0 for none
 */
public record ModelConfig(
        String architecture,
        int vocabSize,
        int contextLength,
        int maxContextLength,
        int hiddenSize,
        int layerCount,
        float embeddingScale,
        float logitScale,
        float logitSoftcap) {

    /** Those of a model that only memory limits. */
    public ModelConfig(
            String architecture,
            int vocabSize,
            int contextLength,
            int hiddenSize,
            int layerCount,
            float embeddingScale,
            float logitScale,
            float logitSoftcap) {
        this(
                architecture,
                vocabSize,
                contextLength,
                Integer.MAX_VALUE,
                hiddenSize,
                layerCount,
                embeddingScale,
                logitScale,
                logitSoftcap);
    }
}
