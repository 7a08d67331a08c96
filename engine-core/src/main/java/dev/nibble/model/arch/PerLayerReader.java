package dev.nibble.model.arch;

import dev.nibble.model.BlockConfig;
import dev.nibble.model.Model;
import dev.nibble.model.Model.EmbeddingInput;
import org.jspecify.annotations.Nullable;

/** Reads the per-layer embeddings of Gemma 3n and Gemma 4. */
final class PerLayerReader {
    private final ModelReader reader;
    private final int width;

    PerLayerReader(ModelReader reader) {
        this.reader = reader;
        width = reader.count("embedding_length_per_layer_input", 0);
    }

    /** Elements for each layer, 0 for a model without. */
    int width() {
        return width;
    }

    EmbeddingInput.PerLayer input(Model.@Nullable Streams streams) {
        long total = (long) width * reader.layerCount;
        return new EmbeddingInput.PerLayer(
                width,
                reader.tensor("per_layer_token_embd.weight", total, reader.vocabSize),
                reader.projection("per_layer_model_proj", reader.hiddenSize, total),
                reader.rms("per_layer_proj_norm", width),
                streams);
    }

    BlockConfig.PerLayerInput block(int layer) {
        return new BlockConfig.PerLayerInput(
                reader.projection(ModelReader.block(layer, "inp_gate"), reader.hiddenSize, width),
                reader.projection(ModelReader.block(layer, "proj"), width, reader.hiddenSize),
                reader.rms(ModelReader.block(layer, "post_norm"), reader.hiddenSize));
    }
}
