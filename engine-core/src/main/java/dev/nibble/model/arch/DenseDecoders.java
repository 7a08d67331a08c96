package dev.nibble.model.arch;

import static dev.nibble.model.Activation.GELU_TANH;
import static dev.nibble.model.Activation.RELU_SQUARED;
import static dev.nibble.model.arch.Traits.adjacent;
import static dev.nibble.model.arch.Traits.alibi;
import static dev.nibble.model.arch.Traits.halves;
import static dev.nibble.model.arch.Traits.unrotated;

import dev.nibble.model.AttentionConfig.Gate;
import dev.nibble.model.arch.Traits.Axes;
import dev.nibble.model.arch.Traits.Presence;
import dev.nibble.model.arch.Traits.Rotated;

/** Decoders without experts that differ from Llama, or from a decoder with layer norms, in a few traits. */
public final class DenseDecoders extends TraitTable {
    private static final String ALIBI = "attention.max_alibi_bias";

    /** llama.cpp tells the size of these models by their layers, and by it what they do. */
    private static final int BAICHUAN_7B_LAYERS = 32;

    private static final int BAICHUAN_13B_LAYERS = 40;
    private static final int COMMAND_R_PLUS_LAYERS = 64;
    private static final int EXAONE4_32B_LAYERS = 64;

    public DenseDecoders() {
        llamas();
        gatedWithLayerNorms();
        plainWithLayerNorms();
    }

    private void llamas() {
        row("internlm2", adjacent());
        row("xverse", adjacent());
        row("ernie4_5", adjacent());
        row("chatglm", adjacent());
        row("arcee", adjacent().ungated(RELU_SQUARED));
        row("maincoder", adjacent().headNormsAfterRope());
        row("refact", alibi(8));
        row("baichuan", reader -> switch (reader.layerCount) {
            case BAICHUAN_7B_LAYERS -> adjacent();
            case BAICHUAN_13B_LAYERS -> alibi(8);
            default -> unrotated();
        });
        // Llama without rotation on every fourth layer.
        row("smollm3", adjacent().rotatedLayers(layer -> (layer + 1) % 4 != 0));
        row("exaone", halves());
        row("pangu-embedded", halves());
        row("seed_oss", halves().ffnNorm("post_attention_norm"));
        row("qwen", halves().sizeDivisor(2));
        // OLMo 3 has windows on three of four layers, which do not follow the extension of the context.
        row(
                "olmo2",
                halves().withoutPreNorms().postNorms().headNorms().windows(4).plainWindows());
        row("qwen2", halves());
        row("phi3", reader -> {
            reader.key(SideKeys.WINDOW); // which no program follows in such files
            return halves();
        });
        row("qwen2vl", halves().axes(Axes.SECTION_BY_SECTION));
        row("qwen3vl", halves().headNorms().axes(Axes.BY_TURNS));
        row("paddleocr", halves().axes(Axes.SECTION_BY_SECTION));
        row("openelm", halves().headNorms());
        row("plamo", halves().parallel());
        row("plamo3", halves().headNorms().postNorms().windows(8).windowBase(10000));
        row("hunyuan-dense", halves().headNormsAfterRope().stretchedBase());
        row("hunyuan_vl", halves().headNormsAfterRope().stretchedBase().axes(Axes.SECTION_BY_SECTION));
        row("gemma", reader -> halves().activation(GELU_TANH).embeddingScale((float) Math.sqrt(reader.hiddenSize)));
        row("exaone4", reader -> {
            Traits traits = halves().headNorms().withoutPreNorms().postNorms();
            return reader.layerCount == EXAONE4_32B_LAYERS ? traits.windows(4).rotated(Rotated.WINDOWED) : traits;
        });
        row(
                "spark2_5",
                halves().activation(GELU_TANH).gate(Gate.Function.SIGMOID).windowsByFile());
    }

    private void gatedWithLayerNorms() {
        row("orion", halves().layerNorms());
        row("stablelm", reader -> {
            Traits traits = halves().layerNorms().headNorms(Presence.OPTIONAL);
            reader.key("use_parallel_residual"); // what tells is the norm
            return reader.hasTensor("blk.0.ffn_norm.weight") ? traits : traits.parallel();
        });
        row("olmo", adjacent().layerNorms().unweightedNorms().clamped());
        row(
                "jais",
                reader -> alibi(reader.positiveFloat(ALIBI))
                        .layerNorms()
                        .attentionScale((float) reader.perLayerInt("attention.head_count")[0] / reader.hiddenSize));
        row(
                "command-r",
                reader -> commandR(reader)
                        .headNorms(reader.layerCount >= COMMAND_R_PLUS_LAYERS ? Presence.REQUIRED : Presence.ABSENT));
        row("cohere2", reader -> commandR(reader).windows(4).rotated(Rotated.WINDOWED));
    }

    private static Traits commandR(ModelReader reader) {
        return adjacent().layerNorms().parallel().logits(reader.positiveFloat("logit_scale"), 0);
    }

    private void plainWithLayerNorms() {
        row("gpt2", unrotated().layerNorms().ungated(GELU_TANH).positions());
        row("starcoder", unrotated().layerNorms().ungated(GELU_TANH).positions());
        row("starcoder2", halves().layerNorms().ungated(GELU_TANH));
        row("codeshell", halves().layerNorms().ungated(GELU_TANH));
        row("nemotron", halves().layerNorms().ungated(RELU_SQUARED));
        row("jais2", halves().layerNorms().ungated(RELU_SQUARED));
        row("phi2", halves().layerNorms().ungated(GELU_TANH).parallel());
        row("gptneox", reader -> {
            Traits traits = halves().layerNorms().ungated(GELU_TANH);
            return reader.flag("use_parallel_residual", true) ? traits.parallel() : traits;
        });
        row("bloom", alibi(8).layerNorms().ungated(GELU_TANH).inputNorm());
        row(
                "mpt",
                reader -> alibi(reader.nonNegativeFloat(ALIBI, 0))
                        .layerNorms()
                        .ungated(GELU_TANH)
                        .clamped()
                        .positions()
                        .headNorms(Presence.OPTIONAL));
        // With a second norm, the attention reads what that makes, and the feed-forward layer what the first makes.
        row(
                "falcon",
                reader -> halves().layerNorms()
                        .ungated(GELU_TANH)
                        .parallel()
                        .mixerNorm(reader.hasTensor("blk.0.attn_norm_2.weight") ? "attn_norm_2" : "attn_norm")
                        .ffnNorm("attn_norm"));
    }
}
