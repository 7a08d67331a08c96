package dev.nibble.benchmarks.soak;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What the soak calls growth, and its arguments; the run itself is too long for a test. */
class SoakTest {
    private static final int LOOKS = 48;
    private static final double ALLOWED = 10;

    private static double[] values(IntToDoubleFunction value) {
        return IntStream.range(0, LOOKS).mapToDouble(value).toArray();
    }

    @Test
    void noiseIsNoGrowth() {
        Random random = new Random(1);
        assertThat(Growth.hasGrown(values(i -> 1000 + 50 * random.nextGaussian()), ALLOWED))
                .isFalse();
    }

    @Test
    void aSteadyLeakUnderNoiseIsGrowth() {
        Random random = new Random(1);
        assertThat(Growth.hasGrown(values(i -> 1000 + 3 * i + 20 * random.nextGaussian()), ALLOWED))
                .isTrue();
    }

    @Test
    void aLeakInSeveralStepsIsGrowth() {
        assertThat(Growth.hasGrown(values(i -> 1000 + 68 * (i / 10)), ALLOWED)).isTrue();
    }

    @Test
    void oneStepAndWhatIsAllowedAreNone() {
        assertThat(Growth.hasGrown(values(i -> i < LOOKS / 2 ? 1000 : 1068), ALLOWED))
                .isFalse();
        assertThat(Growth.hasGrown(values(i -> 1000 + 0.1 * i), ALLOWED)).isFalse();
    }

    @Test
    void argumentsAreReadAndPassedOn() {
        Settings settings = Settings.parse("--minutes", "0.5", "--kernels", "vector", "--threads", "3");
        assertThat(settings.minutes()).isEqualTo(0.5);
        assertThat(settings.kernels()).isEqualTo("vector");
        assertThat(Settings.parse(settings.arguments().toArray(String[]::new))).isEqualTo(settings);
    }

    @Test
    void wrongArgumentsAreNamed() {
        assertThatThrownBy(() -> Settings.parse("--kernels", "fast"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("machine, vector or scalar, not 'fast'");
        assertThatThrownBy(() -> Settings.parse("--minutes")).hasMessageContaining("--minutes needs a value");
        assertThatThrownBy(() -> Settings.parse("--minutes", "0")).hasMessageContaining("--minutes needs a number");
        assertThatThrownBy(() -> Settings.parse("-m", "no such file")).hasMessageContaining("no file");
        assertThatThrownBy(() -> Settings.parse("--loud", "1")).hasMessageContaining("unknown option --loud");
    }
}
