package dev.nibble.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ExpTest {

    @Test
    void expIsWithinItsBound() {
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < 200_000; i++) {
            float x = (float) (-87 * random.nextDouble() * random.nextDouble());
            double expected = Math.exp(x);
            assertThat(Exp.exp(x)).as("exp(%s)", x).isCloseTo(expected, within(expected * (x < -40 ? 2e-6 : 3e-9)));
        }
        assertThat(Exp.exp(0f)).isEqualTo(1);
        assertThat(Exp.exp(-88f)).isBetween(0.0, 1e-37);
        assertThat(Exp.exp(-1e30f)).isBetween(0.0, 1e-43);
        assertThat(Exp.exp(Float.NEGATIVE_INFINITY)).isBetween(0.0, 1e-43);
        assertThat(Exp.exp(Float.NaN)).isNaN();
    }

    @Test
    void logSumExpOfAVocabulary() {
        SplittableRandom random = new SplittableRandom(2);
        float[] logits = new float[150_000];
        double sum = 0;
        for (int i = 0; i < logits.length; i++) {
            logits[i] = (float) (20 * random.nextDouble() - 10);
            sum += Math.exp(logits[i]);
        }
        assertThat(new Exp().logSumExp(logits)).isCloseTo(Math.log(sum), within(1e-9));
    }

    @Test
    void logSumExpOfUselessLogitsIsNaN() {
        float none = Float.NEGATIVE_INFINITY;
        assertThat(new Exp().logSumExp(new float[] {0, Float.NaN})).isNaN();
        assertThat(new Exp().logSumExp(new float[] {0, Float.POSITIVE_INFINITY}))
                .isNaN();
        assertThat(new Exp().logSumExp(new float[] {none, none})).isNaN();
        assertThat(new Exp().logSumExp(new float[] {none, 2})).isEqualTo(2);
    }
}
