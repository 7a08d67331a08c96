package dev.nibble.model.arch;

import static dev.nibble.model.FeedForward.Routing.Gating.SOFTMAX;
import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.FeedForward;
import java.util.List;

/** Arctic: a dense layer in its usual place, and experts that read the block's input, through a norm of their own. */
public final class Arctic implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("arctic");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new Decoder(reader, Traits.adjacent().experts(SOFTMAX, true)) {
            @Override
            FeedForward feedForward(int layer) {
                return new FeedForward.Parallel(
                        feedForwards.dense(layer, reader.hiddenSize),
                        null,
                        experts(layer),
                        FeedForward.Source.BLOCK,
                        norm(block(layer, "ffn_norm_exps"), reader.hiddenSize),
                        null);
            }
        };
    }
}
