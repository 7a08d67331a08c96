package dev.nibble.tornado;

import dev.nibble.tornado.kernels.OutputKernels;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/** Puts together what the groups of {@link OutputKernels#best} found. Reused for every token. */
final class BestToken {
    private int token;
    private double most;
    private double sum;

    /** Forgets everything. */
    void clear() {
        token = -1;
        most = 0;
        sum = 0;
    }

    /**
     * Adds the results for some of the vocabulary.
     *
     * @param results [GROUPS, RESULT_SIZE]
     * @param firstToken the token of the first logit these groups saw; pieces come in ascending order
     */
    void add(FloatArray results, int firstToken) {
        for (int group = 0; group < OutputKernels.GROUPS; group++) {
            int at = group * OutputKernels.RESULT_SIZE;
            int found = (int) results.get(at + OutputKernels.TOKEN);
            double logit = results.get(at + OutputKernels.LOGIT);
            double share = results.get(at + OutputKernels.SUM);
            if (found < 0) {
                sum += Double.isNaN(share) ? share : 0;
                continue;
            }
            boolean better = token < 0 || logit > most || logit == most && firstToken + found < token;
            if (better) {
                sum = token < 0 ? sum : sum * Math.exp(most - logit);
                most = logit;
                token = firstToken + found;
            }
            sum += share * Math.exp(logit - most);
        }
    }

    /** The most probable token, the lowest among equals; -1 if no logit was a number. */
    int token() {
        return token;
    }

    /** Natural logarithm of its probability; NaN if a logit was NaN or positive infinity, or none was a number. */
    float logProbability() {
        return token < 0 ? Float.NaN : (float) -Math.log(sum);
    }
}
