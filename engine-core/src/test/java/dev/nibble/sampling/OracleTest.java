package dev.nibble.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.nibble.GenerationOptions;
import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The sampler beside the same chain by the book: all tokens sorted, {@link Math#exp}, double precision. */
class OracleTest {
    private static final int VOCAB = 20_000;
    private static final int DRAWS = 40;
    private static final int[] TOKENS = {3, 3, 17};
    private static final GenerationOptions PURE =
            GenerationOptions.DEFAULT.withTemperature(1).withTopK(0).withTopP(1).withMinP(0);

    /** Logits of a kind, and a chain. */
    record Case(String logits, GenerationOptions options) {}

    static Stream<Case> cases() {
        return Stream.of("flat", "usual", "sure", "tied", "equal", "masked", "deep")
                .flatMap(logits -> Stream.of(
                                PURE,
                                PURE.withTemperature(0.7f),
                                PURE.withTopK(40).withTopP(0.95f),
                                PURE.withTopK(1000).withTemperature(1.5f),
                                PURE.withTopP(0.95f),
                                PURE.withTopP(0.5f).withTemperature(0.6f),
                                PURE.withTopP(0.9999f).withTemperature(1.3f),
                                PURE.withMinP(0.05f),
                                PURE.withTopP(0.9f).withMinP(0.02f).withTemperature(0.8f),
                                PURE.withTopP(0.9f)
                                        .withLogitBias(Map.of(5, 4f, 6, Float.NEGATIVE_INFINITY))
                                        .withPresencePenalty(2)
                                        .withRepeatLastN(-1))
                        .map(options -> new Case(logits, options)));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void theSameSeedGivesTheTokensOfTheOracle(Case test) {
        float[] logits = logits(test.logits);
        Sampler sampler = Samplers.of(test.options.withSeed(11), VOCAB);
        SplittableRandom random = new SplittableRandom(11);
        Nucleus expected = new Nucleus(test.options, changed(test.options, logits));
        double logSum = logSum(logits);
        for (int i = 0; i < DRAWS; i++) {
            int token = sampler.sample(logits, TOKENS, TOKENS.length);
            assertThat(token).as("draw %d", i).isEqualTo(expected.draw(random.nextDouble()));
            assertThat((double) sampler.logProbability())
                    .isCloseTo(logits[token] - logSum, within(2e-6 * (1 + Math.abs(logSum))));
        }
    }

    private static float[] changed(GenerationOptions options, float[] logits) {
        float[] changed = logits.clone();
        options.logitBias().forEach((id, bias) -> changed[id] += bias);
        for (int token : Arrays.stream(TOKENS).distinct().toArray()) {
            changed[token] -= options.presencePenalty();
        }
        return changed;
    }

    private static double logSum(float[] logits) {
        double max = Float.NEGATIVE_INFINITY;
        for (float logit : logits) {
            max = Math.max(max, logit);
        }
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - max);
        }
        return max + Math.log(sum);
    }

    /** The tokens that stay, most probable first, and their weights. */
    private static final class Nucleus {
        private final Integer[] order;
        private int kept;
        private final DoubleUnaryOperator weight; // of a logit, at the temperature

        private final float[] logits;

        Nucleus(GenerationOptions options, float[] logits) {
            this.logits = logits;
            order = new Integer[logits.length];
            Arrays.setAll(order, id -> id);
            Arrays.sort(order, (a, b) -> Float.compare(logits[b] + 0f, logits[a] + 0f));
            while (kept < order.length && logits[order[kept]] > Float.NEGATIVE_INFINITY) {
                kept++;
            }
            kept = options.topK() == 0 ? kept : Math.min(kept, options.topK());
            float max = logits[order[0]];
            keepMass(options.topP(), logit -> Math.exp(logit - max));
            while (logits[order[kept - 1]] < max + (float) Math.log(options.minP())) {
                kept--;
            }
            weight = logit -> Math.exp((float) (logit - max) / options.temperature());
        }

        private void keepMass(double share, DoubleUnaryOperator weights) {
            double target = share < 1 ? share * mass(weights) : Double.POSITIVE_INFINITY;
            double sum = 0;
            for (int i = 0; i < kept && sum < target; i++) {
                sum += weights.applyAsDouble(logits[order[i]]);
                if (sum >= target) {
                    kept = i + 1;
                }
            }
        }

        private double mass(DoubleUnaryOperator weights) {
            double sum = 0;
            for (int i = 0; i < kept; i++) {
                sum += weights.applyAsDouble(logits[order[i]]);
            }
            return sum;
        }

        int draw(double random) {
            double target = random * mass(weight);
            double sum = 0;
            for (int i = 0; i < kept - 1; i++) {
                sum += weight.applyAsDouble(logits[order[i]]);
                if (sum >= target) {
                    return order[i];
                }
            }
            return order[kept - 1];
        }
    }

    private static float[] logits(String kind) {
        SplittableRandom random = new SplittableRandom(5);
        float[] logits = new float[VOCAB];
        for (int i = 0; i < VOCAB; i++) {
            double normal = random.nextGaussian();
            logits[i] = (float)
                    switch (kind) {
                        case "flat" -> normal;
                        case "usual" -> 3 * normal + 2;
                        case "sure" -> i == 777 ? 30 : normal;
                        case "tied" -> Math.rint(3 * normal) + (random.nextBoolean() ? 0.0 : -0.0);
                        case "equal" -> 1.5;
                        case "masked" -> i % 100 == 7 ? normal : Double.NEGATIVE_INFINITY;
                        case "deep" -> i == 9 ? -3e38 : i % 2 == 0 ? 1e4 * normal : 4e4 + normal;
                        default -> throw new IllegalArgumentException(kind);
                    };
        }
        return logits;
    }
}
