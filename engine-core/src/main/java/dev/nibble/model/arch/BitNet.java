package dev.nibble.model.arch;

import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.AttentionConfig;
import dev.nibble.model.FeedForward;
import java.util.List;

/** BitNet b1.58: Llama with norms before the way out of the attention and of the feed-forward layer. */
public final class BitNet implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("bitnet");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new Decoder(reader, Traits.halves()) {
            @Override
            AttentionConfig.Builder attention(AttentionConfig.Builder attention) {
                int layer = attention.layer();
                long width = (long) attentions.headCounts[layer] * attentions.valueDim(layer);
                return super.attention(attention).mixedNorm(norm(block(layer, "attn_sub_norm"), width));
            }

            @Override
            FeedForward feedForward(int layer) {
                return feedForwards
                        .dense(layer)
                        .withInnerNorm(norm(block(layer, "ffn_sub_norm"), feedForwards.size(layer)));
            }
        };
    }
}
