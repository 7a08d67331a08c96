package dev.nibble.model.arch;

import static dev.nibble.model.FeedForward.Routing.Gating.SOFTMAX;
import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.FeedForward;
import java.util.List;

/** GroveMoE: Qwen3 with experts, and small experts for groups of them that read their sum. */
public final class GroveMoe implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("grovemoe");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new Decoder(reader, Traits.halves().headNorms().experts(SOFTMAX, true)) {
            @Override
            FeedForward feedForward(int layer) {
                int experts = reader.positive("expert_count");
                int perGroup = reader.positive("experts_per_group");
                if (experts % perGroup != 0) {
                    throw reader.metadata.failure(
                            reader.key("experts_per_group"),
                            "groups of " + perGroup + " cannot be made of " + experts + " experts");
                }
                int hidden = reader.hiddenSize;
                int size = reader.positive("expert_chunk_feed_forward_length");
                int groups = experts / perGroup;
                return new FeedForward.Grouped(
                        experts(layer),
                        perGroup,
                        reader.projections(block(layer, "ffn_gate_chexps"), hidden, size, groups),
                        reader.projections(block(layer, "ffn_up_chexps"), hidden, size, groups),
                        reader.projections(block(layer, "ffn_down_chexps"), size, hidden, groups),
                        reader.positiveFloat("expert_group_scale"));
            }
        };
    }
}
