package dev.nibble.model.arch;

import static dev.nibble.model.FeedForward.Routing.Gating.SIGMOID;
import static dev.nibble.model.FeedForward.Routing.Gating.SOFTMAX;
import static dev.nibble.model.FeedForward.Routing.Gating.SOFTMAX_OF_CHOSEN;
import static dev.nibble.model.arch.Traits.adjacent;
import static dev.nibble.model.arch.Traits.halves;

import dev.nibble.model.Activation;
import dev.nibble.model.AttentionConfig.Gate;
import dev.nibble.model.arch.Traits.Axes;
import dev.nibble.model.arch.Traits.Presence;
import dev.nibble.model.arch.Traits.Rotated;

/** Decoders with experts that differ from Llama in a few traits. */
public final class ExpertDecoders extends TraitTable {
    public ExpertDecoders() {
        bySoftmax();
        bySigmoid();
    }

    private void bySoftmax() {
        row("gpt-oss", reader -> {
            reader.positive(SideKeys.WINDOW);
            return halves().activation(Activation.SWIGLU_OAI)
                    .windows(2)
                    .sinks(Presence.REQUIRED)
                    .ffnNorm("post_attention_norm")
                    .experts(SOFTMAX_OF_CHOSEN, false);
        });
        row("olmoe", halves().headNorms().experts(SOFTMAX, false));
        row("qwen2moe", halves().experts(SOFTMAX, false).shared());
        row("qwen3vlmoe", halves().headNorms().axes(Axes.BY_TURNS).experts(SOFTMAX, true));
        row("mellum", halves().headNorms().experts(SOFTMAX, true).windows(4).plainWindows());
        row(
                "hunyuan-moe",
                halves().headNormsAfterRope()
                        .stretchedBase()
                        .experts(SOFTMAX, true)
                        .shared());
        row("deepseek", adjacent().experts(SOFTMAX, false).shared());
        row("deepseek2-ocr", halves().experts(SOFTMAX, false).shared());
        row("ernie4_5-moe", adjacent().experts(SOFTMAX, true).shared());
        row("bailingmoe", adjacent().expertsByFile(SOFTMAX, false).shared());
        row("phimoe", reader -> {
            reader.key(SideKeys.WINDOW); // which no program follows in such files
            return halves().experts(SOFTMAX, true);
        });
        row("dbrx", halves().layerNorms().ffnNorm("attn_output_norm").clamped().experts(SOFTMAX, true));
    }

    private void bySigmoid() {
        row(
                "glm4moe",
                halves().axes(Axes.SECTION_BY_SECTION)
                        .headNorms(Presence.OPTIONAL)
                        .ffnNorm("post_attention_norm")
                        .expertsByFile(SIGMOID, false)
                        .shared());
        row("minimax-m2", halves().headNorms().experts(SIGMOID, true));
        row("minimax-m3", reader -> {
            // An indexer chooses blocks of keys; without it all are read, which is what it approximates.
            reader.passOverParts("indexer.");
            return halves().headNorms()
                    .activation(Activation.SWIGLU_OAI)
                    .expertsByFile(SIGMOID, true)
                    .shared();
        });
        row("bailingmoe2", halves().headNorms().expertsByFile(SIGMOID, false).shared());
        row("dots1", halves().headNorms().expertsByFile(SIGMOID, false).shared());
        row("hy_v3", halves().headNorms().expertsByFile(SIGMOID, true).shared());
        row(
                "exaone-moe",
                halves().headNorms()
                        .windows(4)
                        .rotated(Rotated.WINDOWED)
                        .expertsByFile(SIGMOID, false)
                        .shared());
        row(
                "afmoe",
                reader -> halves().headNorms()
                        .postNorms()
                        .windows(4)
                        .rotatedLayers(layer -> (layer + 1) % 4 != 0)
                        .gate(Gate.Function.SIGMOID)
                        .embeddingScale((float) Math.sqrt(reader.hiddenSize))
                        .expertsByFile(SIGMOID, false)
                        .shared());
        row(
                "laguna",
                halves().headNorms()
                        .gate(Gate.Function.SOFTPLUS)
                        .windows(4)
                        .fullFirst()
                        .plainWindows()
                        .expertsByFile(SIGMOID, false)
                        .shared());
    }
}
