package dev.nibble.sampling;

import static dev.nibble.sampling.FilterTest.logits;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.nibble.GenerationOptions;
import dev.nibble.NibbleException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SamplersTest {
    private static final int[] NO_TOKENS = {};
    /** Every filter off. */
    private static final GenerationOptions PURE = GenerationOptions.DEFAULT
            .withTemperature(1)
            .withTopK(0)
            .withTopP(1)
            .withMinP(0)
            .withSeed(42);

    @Test
    void greedyTakesTheLowestIdAmongEquals() {
        float[] logits = {1, 5, 3, 5, 2};
        assertThat(sample(GenerationOptions.GREEDY, logits)).isEqualTo(1);
    }

    @Test
    void drawsFollowTheDistribution() {
        double[] probabilities = {0.1, 0.4, 0.2, 0.3};
        // 3 degrees of freedom: 16.3 is passed by chance once in a thousand seeds.
        assertThat(chiSquare(PURE, probabilities, probabilities)).isLessThan(16.3);
    }

    @Test
    void drawsFollowTheFilteredDistribution() {
        double[] probabilities = {0.1, 0.4, 0.2, 0.3};
        double[] top3 = {0, 0.4 / 0.9, 0.2 / 0.9, 0.3 / 0.9};
        assertThat(chiSquare(PURE.withTopK(3), probabilities, top3)).isLessThan(13.8);
        double[] top2 = {0, 0.4 / 0.7, 0, 0.3 / 0.7};
        assertThat(chiSquare(PURE.withTopP(0.6f), probabilities, top2)).isLessThan(10.8);
        double[] squared = {0.01 / 0.3, 0.16 / 0.3, 0.04 / 0.3, 0.09 / 0.3};
        assertThat(chiSquare(PURE.withTemperature(0.5f), probabilities, squared))
                .isLessThan(16.3);
    }

    @Test
    void topKComesBeforeTopP() {
        // Of the two that top-k leaves, the first has 4/7 = 0.571 of the mass; of all it has 0.4.
        GenerationOptions options = PURE.withTopK(2).withTopP(0.57f);
        assertThat(chosen(options, logits(0.4, 0.3, 0.2, 0.1), NO_TOKENS)).containsExactly(0);
    }

    @Test
    void typicalComesBeforeTopP() {
        // Typical at 0.2 keeps only token 1, which top-p at 0.4 alone would drop.
        GenerationOptions options = PURE.withTypicalP(0.2f).withTopP(0.4f);
        assertThat(chosen(options, logits(0.0625, 0.25, 0.5, 0.0625, 0.125), NO_TOKENS))
                .containsExactly(1);
    }

    @Test
    void minPComesBeforeXtcAndTemperature() {
        // Min-p at 0.3 keeps 0.5 and 0.2 of 0.5, 0.2, 0.1, 0.1, 0.1; among the two XTC at 0.25 drops the first. If XTC
        // came first, only one would be likely and nothing would be dropped.
        GenerationOptions options = PURE.withMinP(0.3f).withXtcProbability(1).withXtcThreshold(0.25f);
        float[] logits = logits(0.5, 0.2, 0.1, 0.1, 0.1);
        assertThat(chosen(options, logits, NO_TOKENS)).containsExactly(1);
        // At temperature 5 the share of 0.1 in 0.5 is 0.72 and would pass min-p.
        assertThat(chosen(PURE.withMinP(0.3f).withTemperature(5), logits, NO_TOKENS))
                .containsExactly(0, 1);
    }

    @Test
    void penaltiesComeBeforeTopK() {
        float[] logits = {4, 3.5f, -1};
        int[] tokens = {0, 0, 1};
        assertThat(chosen(PURE.withTopK(1), logits, tokens)).containsExactly(0);
        assertThat(chosen(PURE.withTopK(1).withRepeatPenalty(2), logits, tokens))
                .containsExactly(0); // 2, 1.75, -1
        assertThat(chosen(PURE.withTopK(1).withFrequencyPenalty(0.6f), logits, tokens))
                .containsExactly(1); // 2.8, 2.9, -1
        assertThat(chosen(PURE.withTopK(1).withPresencePenalty(0.6f), logits, new int[] {0}))
                .containsExactly(1); // 3.4, 3.5, -1
        assertThat(chosen(PURE.withTopK(1).withPresencePenalty(0.6f).withRepeatLastN(1), logits, new int[] {0, 2}))
                .containsExactly(0); // token 0 is too long ago
        assertThat(chosen(PURE.withTopK(1).withPresencePenalty(0.6f).withRepeatLastN(-1), logits, new int[] {0, 2}))
                .containsExactly(1);
    }

    @Test
    void theRepeatPenaltyLowersNegativeLogitsToo() {
        float[] logits = {-1, -1.5f};
        assertThat(sample(GenerationOptions.GREEDY.withRepeatPenalty(2), logits, 0))
                .isEqualTo(1);
    }

    @Test
    void processorsSeeTheTokensAndComeBeforeTheBias() {
        LogitsProcessor onlyZero = (logits, tokens, count) -> {
            assertThat(Arrays.copyOf(tokens, count)).containsExactly(2);
            Arrays.fill(logits, 1, logits.length, Float.NEGATIVE_INFINITY);
        };
        GenerationOptions options =
                GenerationOptions.GREEDY.withLogitsProcessors(List.of(onlyZero)).withLogitBias(Map.of(2, 1000f));
        assertThat(sample(options, new float[] {0, 1, 2}, 2)).isEqualTo(0);
    }

    @Test
    void aBiasBansOrForcesAToken() {
        float[] logits = {0, 1, 2};
        GenerationOptions greedy = GenerationOptions.GREEDY;
        assertThat(sample(greedy.withLogitBias(Map.of(2, Float.NEGATIVE_INFINITY)), logits))
                .isEqualTo(1);
        assertThat(sample(greedy.withLogitBias(Map.of(0, 3f)), logits)).isEqualTo(0);
        assertThatThrownBy(() -> Samplers.of(greedy.withLogitBias(Map.of(3, 1f)), 3))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("logitBias: there is no token 3, the vocabulary has 3 tokens");
    }

    @Test
    void theSameSeedGivesTheSameTokens() {
        float[] logits = new float[1000];
        for (int i = 0; i < logits.length; i++) {
            logits[i] = (float) Math.sin(i);
        }
        assertThat(draws(PURE.withSeed(7), logits)).isEqualTo(draws(PURE.withSeed(7), logits));
        assertThat(draws(PURE.withSeed(7), logits)).isNotEqualTo(draws(PURE.withSeed(8), logits));
    }

    @Test
    void theLogProbabilityIsThatOfTheGivenLogits() {
        double[] probabilities = {0.5, 0.3, 0.2};
        float[] logits = logits(probabilities);
        float[] before = logits.clone();
        Sampler sampler = Samplers.of(
                GenerationOptions.GREEDY.withLogitBias(Map.of(2, 10f)).withTopK(1), 3);
        assertThat(sampler.sample(logits, NO_TOKENS, 0)).isEqualTo(2);
        assertThat((double) sampler.logProbability()).isCloseTo(Math.log(0.2), within(1e-6));
        assertThat(logits).isEqualTo(before);
    }

    @Test
    void nothingLeftToChooseIsAnError() {
        LogitsProcessor nothing = (logits, tokens, count) -> Arrays.fill(logits, Float.NEGATIVE_INFINITY);
        for (GenerationOptions options : List.of(PURE, PURE.withTopK(2), GenerationOptions.GREEDY)) {
            assertThatThrownBy(() -> sample(options.withLogitsProcessors(List.of(nothing)), new float[] {1, 2, 3}))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("leave no token");
            assertThatThrownBy(() -> sample(options, new float[] {1, Float.NaN, 3}))
                    .isInstanceOf(NibbleException.class)
                    .hasMessageContaining("no usable number");
        }
    }

    @Test
    void aProcessorMayForceATokenWithInfinity() {
        LogitsProcessor force = (logits, tokens, count) -> logits[1] = Float.POSITIVE_INFINITY;
        assertThat(chosen(PURE.withLogitsProcessors(List.of(force)), new float[] {9, 0, 3}, NO_TOKENS))
                .containsExactly(1);
    }

    private static int sample(GenerationOptions options, float[] logits, int... tokens) {
        return Samplers.of(options, logits.length).sample(logits, tokens, tokens.length);
    }

    /** The different tokens of 300 draws. */
    private static int[] chosen(GenerationOptions options, float[] logits, int[] tokens) {
        Sampler sampler = Samplers.of(options, logits.length);
        return IntStream.range(0, 300)
                .map(i -> sampler.sample(logits, tokens, tokens.length))
                .distinct()
                .sorted()
                .toArray();
    }

    private static int[] draws(GenerationOptions options, float[] logits) {
        Sampler sampler = Samplers.of(options, logits.length);
        return IntStream.range(0, 50)
                .map(i -> sampler.sample(logits, NO_TOKENS, 0))
                .toArray();
    }

    /** How far 100,000 draws are from what is expected; infinite if an impossible token is drawn. */
    private static double chiSquare(GenerationOptions options, double[] probabilities, double[] expected) {
        Sampler sampler = Samplers.of(options, probabilities.length);
        float[] logits = logits(probabilities);
        int[] counts = new int[probabilities.length];
        int draws = 100_000;
        for (int i = 0; i < draws; i++) {
            counts[sampler.sample(logits, NO_TOKENS, 0)]++;
        }
        double sum = 0;
        for (int i = 0; i < counts.length; i++) {
            double difference = counts[i] - draws * expected[i];
            sum += difference == 0 ? 0 : difference * difference / (draws * expected[i]);
        }
        return sum;
    }
}
