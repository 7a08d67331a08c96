package dev.nibble.model.arch;

import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.BlockConfig;
import dev.nibble.model.Mixer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Llama-Nemotron, made by searching what layers a Llama can do without: no attention, a linear map in its place, no feed-forward layer, and then no layer at all. */
public final class Deci implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("deci");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new Decoder(reader, Traits.adjacent()) {
            @Override
            BlockConfig blockConfig(int layer) {
                if (feedForwards.isAbsent(layer)) {
                    reader.passOverBlock(layer); // even attention that is there takes no part
                    return BlockConfig.builder().build();
                }
                return super.blockConfig(layer);
            }

            @Override
            @Nullable Mixer mixer(int layer) {
                if (attentions.headCounts[layer] == 0) {
                    return null;
                }
                return attentions.kvHeadCounts[layer] == 0
                        ? new Mixer.Linear(
                                reader.projection(block(layer, "attn_output"), reader.hiddenSize, reader.hiddenSize))
                        : super.mixer(layer);
            }
        };
    }
}
