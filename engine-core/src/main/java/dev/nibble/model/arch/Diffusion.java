package dev.nibble.model.arch;

import dev.nibble.model.AttentionConfig;
import dev.nibble.model.FeedForward.Routing.Gating;
import java.util.List;

/**
 * Models that fill in masked tokens of a text, all of which each token sees: LLaDA, which is Llama otherwise, Dream, which is
 * Qwen2, and those with experts, LLaDA-MoE and RND1.
 */
public final class Diffusion implements Decoder.Family {
    /** The names of these architectures. */
    public static final List<String> NAMES = List.of("llada", "llada-moe", "dream", "rnd1");

    @Override
    public List<String> names() {
        return NAMES;
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        // a text is read at once, with memory for all of it
        reader.limitContext(Math.min(reader.runContext(), reader.contextLength));
        return new Decoder(reader, traits(reader.architecture)) {
            @Override
            AttentionConfig.Builder attention(AttentionConfig.Builder attention) {
                return super.attention(attention).bidirectional();
            }
        };
    }

    private static Traits traits(String architecture) {
        return switch (architecture) {
            case "llada" -> Traits.adjacent();
            case "llada-moe" -> Traits.halves().headNorms().experts(Gating.SOFTMAX, false);
            case "rnd1" -> Traits.halves().headNorms().experts(Gating.SOFTMAX, true);
            default -> Traits.halves();
        };
    }
}
