package dev.nibble.sampling;

import java.util.SplittableRandom;

/** A step of the chain: drops candidates, or changes how likely they are. At least one always stays. */
sealed interface Filter {

    void apply(Candidates candidates);

    /**
     * Locally typical sampling (Meister et al. 2022): keeps those whose information is nearest to the entropy.
     *
     * @param mass probability that stays
     */
    record TypicalP(float mass) implements Filter {
        /** Candidates put in order at first; then eight times as many. */
        private static final int FIRST_SORT = 128;

        @Override
        public void apply(Candidates candidates) {
            double entropy = 0;
            for (int i = 0; i < candidates.count(); i++) {
                double probability = candidates.probability(i);
                entropy -= probability > 0 ? probability * candidates.logProbability(i) : 0;
            }
            for (int i = 0; i < candidates.count(); i++) {
                candidates.key(i, (float) -Math.abs(-candidates.logProbability(i) - entropy));
            }
            int sorted = FIRST_SORT;
            candidates.sortTopByKey(sorted);
            double sum = 0;
            for (int i = 0; i < candidates.count(); i++) {
                if (i == sorted) {
                    sorted = (int) Math.min(8L * sorted, Integer.MAX_VALUE);
                    candidates.sortTopByKey(sorted);
                }
                sum += candidates.probability(i);
                if (sum >= mass) {
                    candidates.keepFirst(i + 1);
                    return;
                }
            }
        }
    }

    /**
     * Nucleus sampling (Holtzman et al. 2020): keeps the most probable until their sum reaches the mass.
     *
     * @param mass probability that stays
     */
    record TopP(float mass) implements Filter {
        @Override
        public void apply(Candidates candidates) {
            candidates.keepMass(mass);
        }
    }

    /**
     * Keeps those with a share of the most probable one's probability.
     *
     * @param share the least that stays
     */
    record MinP(float share) implements Filter {
        @Override
        public void apply(Candidates candidates) {
            candidates.keepFrom(candidates.highest() + (float) Math.log(share));
        }
    }

    /**
     * Exclude top choices: now and then removes all likely tokens but the least likely of them.
     *
     * @param probability how often
     * @param threshold what counts as likely
     * @param random decides
     */
    record Xtc(float probability, float threshold, SplittableRandom random) implements Filter {
        @Override
        public void apply(Candidates candidates) {
            // Above one half at most one token is likely, and the last likely one stays.
            if (threshold <= 0.5f && random.nextDouble() < probability) {
                candidates.dropFrom(candidates.logitOf(threshold));
            }
        }
    }

    /**
     * Sharpens below 1, flattens above.
     *
     * @param divisor of the logits, more than 0
     */
    record Temperature(float divisor) implements Filter {
        @Override
        public void apply(Candidates candidates) {
            candidates.divideLogits(divisor);
        }
    }
}
