package dev.nibble.model.arch;

import static dev.nibble.model.FeedForward.Routing.Gating.SIGMOID;

import dev.nibble.model.Activation;
import dev.nibble.model.FeedForward;
import java.util.List;

/** SmallThinker: the router reads the block's input before any norm, experts have ReLU gates; of four layers one is full, and does not rotate. */
public final class SmallThinker implements Decoder.Family {
    /** Whatever other size the file says. */
    private static final int WINDOW = 4096;

    @Override
    public List<String> names() {
        return List.of("smallthinker");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new Decoder(
                reader,
                Traits.halves()
                        .activation(Activation.RELU)
                        .windows(4)
                        .windowSize(WINDOW)
                        .fullFirst()
                        .rotated(Traits.Rotated.WINDOWED)
                        .expertsByFile(SIGMOID, true)) {
            @Override
            FeedForward.Experts experts(int layer) {
                FeedForward.Experts experts = super.experts(layer);
                return experts.withRouting(experts.routing().withSource(FeedForward.Source.BLOCK));
            }
        };
    }
}
