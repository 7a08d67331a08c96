package dev.nibble.model.arch;

import static dev.nibble.model.FeedForward.Routing.Gating.SIGMOID;

import dev.nibble.model.AttentionConfig;
import dev.nibble.model.FeedForward;
import dev.nibble.model.Norm;
import java.util.List;

/** Llama 4: attention within chunks of positions, but on every fourth layer, which does not rotate; experts on some layers, whose weights multiply what they read. */
public final class Llama4 implements Decoder.Family {
    private static final int CHUNK = 8192;
    private static final int FULL_PERIOD = 4;

    /** The larger model, which has so many experts, does not normalize its heads. */
    private static final int MAVERICK_EXPERTS = 128;

    @Override
    public List<String> names() {
        return List.of("llama4");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new Decoder(reader, Traits.adjacent().experts(SIGMOID, false).shared()) {
            private final int step = step();

            private int step() {
                if (reader.has(SideKeys.WINDOW) && reader.count(SideKeys.WINDOW, 0) == 0) {
                    throw reader.metadata.failure(
                            reader.key(SideKeys.WINDOW), "expected the size of the chunks, or no such key; found 0");
                }
                return reader.positive("interleave_moe_layer_step");
            }

            @Override
            AttentionConfig.Builder attention(AttentionConfig.Builder attention) {
                int layer = attention.layer();
                if ((layer + 1) % FULL_PERIOD == 0) {
                    return attention.temperature(new AttentionConfig.Temperature(0.1f, CHUNK, 1));
                }
                super.attention(attention).chunk(CHUNK);
                if (reader.positive("expert_count") == MAVERICK_EXPERTS) {
                    return attention;
                }
                Norm norm = Norm.unweighted(attentions.headDim(layer), reader.rmsEpsilon(), Norm.Kind.RMS);
                return attention.norms(norm, norm).normsAfterRope();
            }

            @Override
            FeedForward feedForward(int layer) {
                if ((layer + 1) % step != 0) {
                    return feedForwards.dense(layer);
                }
                FeedForward.Experts experts = experts(layer);
                return experts.withRouting(experts.routing().scalingInput());
            }
        };
    }
}
