package dev.nibble.cpu.op;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.nibble.cpu.scalar.ScalarOps;
import dev.nibble.model.Activation;
import org.assertj.core.data.Offset;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The non-linearities with numbers of a model's own, beside values computed from their formulas by hand. */
class GatingTest {
    private static final Offset<Float> ROUNDING = Offset.offset(1e-6f);

    private static float[] apply(Activation activation, float @Nullable [] gate, float[] up) {
        float[] out = new float[up.length];
        Gating.apply(new ScalarOps(), activation, gate, up, 0, out, 0, up.length);
        return out;
    }

    @Test
    void xielu() {
        Activation.Xielu xielu = new Activation.Xielu(0.8f, 0.6f, 0.5f, -1e-6f);
        float[] out = apply(xielu, null, new float[] {-3, -0.5f, 0, 0.25f, 2});
        float[] expected = {-0.27012777f, -0.1860816f, -6e-7f, 0.175f, 4.2f};
        for (int i = 0; i < expected.length; i++) {
            assertThat(out[i]).isCloseTo(expected[i], ROUNDING);
        }
    }

    @Test
    void theGateIsLimitedBeforeOrAfterItsSilu() {
        float[] gate = {-2, 0.5f, 3};
        float[] up = {3, -0.25f, -2};
        float[] after = {-0.286087f, -0.0778074f, -1.44f};
        float[] before = {-0.286087f, -0.0778074f, -1.1066757f};
        float[] outAfter = apply(new Activation.ClampedSwiGlu(1.2f, false), gate, up);
        float[] outBefore = apply(new Activation.ClampedSwiGlu(1.2f, true), gate, up);
        for (int i = 0; i < gate.length; i++) {
            assertThat(outAfter[i]).isCloseTo(after[i], ROUNDING);
            assertThat(outBefore[i]).isCloseTo(before[i], ROUNDING);
        }
        assertThatIllegalArgumentException()
                .isThrownBy(() -> apply(new Activation.ClampedSwiGlu(1, true), null, up))
                .withMessageContaining("gate");
    }

    @Test
    void reluWithAndWithoutAGate() {
        float[] x = {-1.5f, 0, 2};
        assertThat(apply(Activation.RELU, null, x)).containsExactly(0, 0, 2);
        assertThat(apply(Activation.RELU, x, new float[] {3, 3, 3})).containsExactly(0, 0, 6);
    }
}
