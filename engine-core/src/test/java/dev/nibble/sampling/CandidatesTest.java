package dev.nibble.sampling;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Comparator;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CandidatesTest {

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7, 40, 128, 999})
    void loadTakesTheBestInOrder(int k) {
        for (int seed = 0; seed < 20; seed++) {
            float[] logits = manyTies(seed);
            Candidates candidates = new Candidates(logits.length);
            candidates.load(logits, k);
            assertThat(ids(candidates)).isEqualTo(sortedIds(logits).limit(k).toArray());
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.01, 0.3, 0.5, 0.9, 0.999, 1})
    void keepMassKeepsTheBestInTheirOrder(double share) {
        for (int seed = 0; seed < 20; seed++) {
            float[] logits = manyTies(seed);
            Candidates candidates = new Candidates(logits.length);
            candidates.load(logits, 0);
            candidates.keepMass(share);
            int kept = candidates.count();
            assertThat(ids(candidates))
                    .isEqualTo(sortedIds(logits).limit(kept).sorted().toArray());
            assertThat(massOf(logits, kept)).isGreaterThan(share - 1e-9);
            assertThat(massOf(logits, kept - 1)).isLessThanOrEqualTo(share + 1e-9);
        }
    }

    private static double massOf(float[] logits, int best) {
        double all = sortedIds(logits).mapToDouble(id -> Math.exp(logits[id])).sum();
        return sortedIds(logits)
                        .limit(best)
                        .mapToDouble(id -> Math.exp(logits[id]))
                        .sum()
                / all;
    }

    /** 1000 logits of few different values; every tenth is masked. */
    private static float[] manyTies(int seed) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] logits = new float[1000];
        for (int i = 0; i < logits.length; i++) {
            logits[i] = random.nextInt(10) == 0 ? Float.NEGATIVE_INFINITY : random.nextInt(-20, 20);
        }
        return logits;
    }

    private static IntStream sortedIds(float[] logits) {
        return IntStream.range(0, logits.length)
                .filter(id -> logits[id] > Float.NEGATIVE_INFINITY)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer id) -> -logits[id]).thenComparing(id -> id))
                .mapToInt(Integer::intValue);
    }

    private static int[] ids(Candidates candidates) {
        return IntStream.range(0, candidates.count()).map(candidates::id).toArray();
    }
}
