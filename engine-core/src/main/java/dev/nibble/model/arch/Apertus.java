package dev.nibble.model.arch;

import dev.nibble.model.Activation;
import dev.nibble.model.FeedForward;
import java.util.List;

/** Apertus: Llama with normalized heads, and xIELU with numbers of each layer's own, without a gate. */
public final class Apertus implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("apertus");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new Decoder(reader, Traits.halves().headNorms().ungated(Activation.RELU)) {
            @Override
            FeedForward feedForward(int layer) {
                float beta = reader.layerFloat("xielu.beta", layer);
                return feedForwards
                        .ungated(layer)
                        .withActivation(new Activation.Xielu(
                                softplus(reader.layerFloat("xielu.alpha_p", layer)),
                                beta + softplus(reader.layerFloat("xielu.alpha_n", layer)),
                                beta,
                                reader.layerFloat("xielu.eps", layer)));
            }
        };
    }

    private static float softplus(float x) {
        return (float) Math.log1p(Math.exp(x));
    }
}
