package dev.nibble.model.arch;

import static dev.nibble.model.FeedForward.Routing.Gating.SIGMOID;

import dev.nibble.model.AttentionConfig;
import dev.nibble.model.FeedForward;
import dev.nibble.model.RopeConfig;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Step 3.5: heads by layer with a gate each, windowed layers that turn all of a head and full ones that turn half, clamped experts. */
public final class Step35 implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("step35");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new StepDecoder(reader);
    }

    private static final class StepDecoder extends Decoder {
        private final RopeConfig fullRope;
        private final RopeConfig windowRope;

        StepDecoder(ModelReader reader) {
            super(
                    reader,
                    Traits.halves()
                            .headNorms()
                            .windowsByFile()
                            .predictsFromPlain()
                            .gate(AttentionConfig.Gate.Function.SIGMOID)
                            .expertsByFile(SIGMOID, false)
                            .shared());
            int headDim = attentions.headDim(0);
            int dims = reader.positive("rope.dimension_count", headDim);
            windowRope = ropes.unscaled(dims, headDim, reader.positiveFloat("rope.freq_base_swa", ropes.theta()));
            float[] factors = reader.optionalVector("rope_freqs.weight", dims / 2);
            fullRope = ropes.unscaled(dims / 2, headDim, ropes.theta())
                    .withFrequencyFactors(factors == null ? null : Arrays.copyOf(factors, dims / 4));
        }

        @Override
        AttentionConfig.Builder attention(AttentionConfig.Builder attention) {
            boolean windowed = rotations.window(attention.layer()) > 0;
            return super.attention(attention).rope(windowed ? windowRope : fullRope);
        }

        @Override
        @Nullable FeedForward feedForward(int layer) {
            return feedForwards.clamped(layer, super.feedForward(layer), false);
        }
    }
}
