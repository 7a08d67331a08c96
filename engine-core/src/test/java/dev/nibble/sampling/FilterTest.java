package dev.nibble.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class FilterTest {
    // In no order, so that a filter that forgets to sort is found out.
    private static final double[] PROBABILITIES = {0.0625, 0.25, 0.5, 0.0625, 0.125};

    @Test
    void topPKeepsUntilTheMassIsReached() {
        assertThat(kept(new Filter.TopP(0.49f), PROBABILITIES)).containsExactly(2);
        assertThat(kept(new Filter.TopP(0.51f), PROBABILITIES)).containsExactlyInAnyOrder(2, 1);
        assertThat(kept(new Filter.TopP(0.74f), PROBABILITIES)).containsExactlyInAnyOrder(2, 1);
        assertThat(kept(new Filter.TopP(0.76f), PROBABILITIES)).containsExactlyInAnyOrder(2, 1, 4);
        assertThat(kept(new Filter.TopP(0.90f), PROBABILITIES)).containsExactlyInAnyOrder(2, 1, 4, 0);
        assertThat(kept(new Filter.TopP(0), PROBABILITIES)).containsExactly(2);
    }

    @Test
    void topPOverAFlatVocabularyKeepsTheFirstOfEquals() {
        float[] logits = new float[100_000];
        Candidates candidates = load(logits);
        new Filter.TopP(0.25f).apply(candidates);
        assertThat(candidates.count()).isCloseTo(25_000, within(25));
        assertThat(candidates.id(24_000)).isEqualTo(24_000);
    }

    @Test
    void minPIsRelativeToTheMostProbable() {
        assertThat(kept(new Filter.MinP(0.6f), PROBABILITIES)).containsExactly(2);
        assertThat(kept(new Filter.MinP(0.4f), PROBABILITIES)).containsExactlyInAnyOrder(2, 1);
        assertThat(kept(new Filter.MinP(0.2f), PROBABILITIES)).containsExactlyInAnyOrder(2, 1, 4);
        assertThat(kept(new Filter.MinP(0.1f), PROBABILITIES)).hasSize(5);
        assertThat(kept(new Filter.MinP(1f), PROBABILITIES)).containsExactly(2);
    }

    @Test
    void typicalKeepsWhatIsNearestToTheEntropy() {
        // The entropy is 1.875 bits; information: 4, 2, 1, 4, 3 bits; distance: 2.125, 0.125, 0.875, 2.125, 1.125.
        assertThat(kept(new Filter.TypicalP(0.2f), PROBABILITIES)).containsExactly(1);
        assertThat(kept(new Filter.TypicalP(0.3f), PROBABILITIES)).containsExactlyInAnyOrder(1, 2);
        assertThat(kept(new Filter.TypicalP(0.8f), PROBABILITIES)).containsExactlyInAnyOrder(1, 2, 4);
        assertThat(kept(new Filter.TypicalP(0.9f), PROBABILITIES)).containsExactlyInAnyOrder(1, 2, 4, 0);
    }

    @Test
    void xtcDropsAllLikelyOnesButTheLast() {
        SplittableRandom random = new SplittableRandom(1);
        assertThat(kept(new Filter.Xtc(1, 0.1f, random), PROBABILITIES)).containsExactlyInAnyOrder(4, 0, 3);
        assertThat(kept(new Filter.Xtc(1, 0.2f, random), PROBABILITIES)).containsExactlyInAnyOrder(1, 4, 0, 3);
        assertThat(kept(new Filter.Xtc(1, 0.3f, random), PROBABILITIES)).hasSize(5);
        assertThat(kept(new Filter.Xtc(1, 0.6f, random), PROBABILITIES)).hasSize(5);
        assertThat(kept(new Filter.Xtc(1, 0, random), PROBABILITIES)).containsExactly(3);
        int dropped = 0;
        for (int i = 0; i < 10_000; i++) {
            dropped += kept(new Filter.Xtc(0.3f, 0.2f, random), PROBABILITIES).length == 4 ? 1 : 0;
        }
        assertThat(dropped).isCloseTo(3000, within(200)); // 4 sigma
    }

    @Test
    void temperatureIsAPowerOfTheProbabilities() {
        Candidates candidates = load(logits(PROBABILITIES));
        new Filter.Temperature(0.5f).apply(candidates);
        double sum = IntStream.range(0, 5)
                .mapToDouble(i -> PROBABILITIES[i] * PROBABILITIES[i])
                .sum();
        for (int i = 0; i < 5; i++) {
            double p = PROBABILITIES[candidates.id(i)];
            assertThat(candidates.probability(i)).isCloseTo(p * p / sum, within(1e-6));
        }
    }

    @Test
    void aTinyTemperatureDoesNotOverflow() {
        Candidates candidates = load(logits(PROBABILITIES));
        new Filter.Temperature(Float.MIN_VALUE).apply(candidates);
        assertThat(candidates.choose(0.999)).isEqualTo(2);
        assertThat(candidates.probability(2)).isEqualTo(1);
    }

    private static int[] kept(Filter filter, double[] probabilities) {
        Candidates candidates = load(logits(probabilities));
        filter.apply(candidates);
        return IntStream.range(0, candidates.count()).map(candidates::id).toArray();
    }

    private static Candidates load(float[] logits) {
        Candidates candidates = new Candidates(logits.length);
        candidates.load(logits, 0);
        return candidates;
    }

    static float[] logits(double... probabilities) {
        float[] logits = new float[probabilities.length];
        for (int i = 0; i < logits.length; i++) {
            logits[i] = (float) Math.log(probabilities[i]) + 3;
        }
        return logits;
    }
}
