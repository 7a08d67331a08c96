package dev.nibble.model.arch;

import static dev.nibble.model.FeedForward.Routing.Gating.SOFTMAX;
import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.Activation;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.FeedForward;
import java.util.List;

/** Grok 1 and 2: capped and scaled scores and logits, norms after each part, experts with GELU, in Grok 2 beside a dense layer. */
public final class Grok implements Decoder.Family {
    /** Of the mean of a dense layer and experts, so that its length is that of one of them. */
    private static final float HALF = (float) Math.sqrt(0.5);

    @Override
    public List<String> names() {
        return List.of("grok");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new Decoder(reader, traits(reader)) {
            @Override
            AttentionConfig.Builder attention(AttentionConfig.Builder attention) {
                return super.attention(attention).softcap(reader.nonNegativeFloat("attn_logit_softcapping", 30));
            }

            @Override
            FeedForward feedForward(int layer) {
                FeedForward.Experts experts = experts(layer);
                return reader.hasTensor(block(layer, "ffn_up.weight"))
                        ? experts.withRouting(experts.routing().times(HALF))
                                .withShared(feedForwards.dense(layer).times(HALF), null)
                        : experts;
            }
        };
    }

    private static Traits traits(ModelReader reader) {
        reader.key("router_logit_softcapping"); // which no program follows
        boolean first = reader.hasTensor("blk.0.layer_output_norm.weight");
        return Traits.halves()
                .activation(Activation.GELU_TANH)
                .experts(SOFTMAX, true)
                .postNorms("attn_output_norm", first ? "layer_output_norm" : "post_ffw_norm")
                .attentionScale(reader.factor("attention.output_scale", 0.088388346f))
                .embeddingScale(reader.factor("embedding_scale", 78.383675f))
                .logits(
                        reader.factor("logit_scale", 0.57735026f),
                        reader.nonNegativeFloat("final_logit_softcapping", 0));
    }
}
