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
            float x = (float) (-80 * random.nextDouble() * random.nextDouble());
            double expected = Math.exp(x);
            // The argument x·log2(e) is rounded too: a relative error of |x|·2^-24 in the result.
            double bound = expected * (3e-7 + Math.abs(x) * 0x1p-23);
            assertThat((double) Exp.exp(x)).as("exp(%s)", x).isCloseTo(expected, within(bound));
        }
        assertThat(Exp.exp(0f)).isEqualTo(1f);
        assertThat(Exp.exp(-88f)).isZero();
        assertThat(Exp.exp(Float.NEGATIVE_INFINITY)).isZero();
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
        assertThat(Exp.logSumExp(logits)).isCloseTo(Math.log(sum), within(1e-5));
    }

    @Test
    void logSumExpOfUselessLogitsIsNaN() {
        float none = Float.NEGATIVE_INFINITY;
        assertThat(Exp.logSumExp(new float[] {0, Float.NaN})).isNaN();
        assertThat(Exp.logSumExp(new float[] {0, Float.POSITIVE_INFINITY})).isNaN();
        assertThat(Exp.logSumExp(new float[] {none, none})).isNaN();
        assertThat(Exp.logSumExp(new float[] {none, 2})).isEqualTo(2);
    }
}
