package dev.nibble.generate;

import dev.nibble.TokenProbability;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Finds the most probable tokens of a row of logits. */
final class TopTokens {
    private TopTokens() {}

    /**
     * The {@code count} most probable tokens, the most probable first, the lowest id among equals.
     *
     * @param logits the scores
     * @param total natural logarithm of the sum of their exponentials
     */
    static List<TokenProbability> of(float[] logits, int count, double total) {
        int wanted = Math.min(count, logits.length);
        int[] best = new int[wanted]; // sorted, the best first
        int found = 0;
        for (int id = 0; id < logits.length; id++) {
            if (found < wanted || logits[id] > logits[best[found - 1]]) {
                int at = found < wanted ? found++ : found - 1;
                while (at > 0 && logits[best[at - 1]] < logits[id]) {
                    best[at] = best[at - 1];
                    at--;
                }
                best[at] = id;
            }
        }
        List<TokenProbability> tokens = new ArrayList<>(found);
        for (int id : Arrays.copyOf(best, found)) {
            tokens.add(TokenProbability.of(id, (float) (logits[id] - total)));
        }
        return tokens;
    }

    /** Natural logarithm of the sum of the exponentials of {@code count} scores from {@code from} on. */
    static double logSumExp(float[] logits, int from, int count) {
        float max = Float.NEGATIVE_INFINITY;
        for (int i = from; i < from + count; i++) {
            max = Math.max(max, logits[i]);
        }
        double sum = 0;
        for (int i = from; i < from + count; i++) {
            sum += Math.exp(logits[i] - max);
        }
        return max + Math.log(sum);
    }
}
