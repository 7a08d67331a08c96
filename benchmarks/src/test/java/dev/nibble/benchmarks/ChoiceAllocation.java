package dev.nibble.benchmarks;

import dev.nibble.GenerationOptions;
import dev.nibble.sampling.Sampler;
import dev.nibble.sampling.Samplers;
import java.util.List;
import java.util.SplittableRandom;

/** What choosing a token allocates. */
final class ChoiceAllocation {
    private static final int TOKENS = 100;

    private ChoiceAllocation() {}

    private static List<GenerationOptions> chains() {
        GenerationOptions options = GenerationOptions.DEFAULT.withSeed(1);
        return List.of(
                GenerationOptions.GREEDY,
                options.withTopK(40).withTopP(0.95f),
                options.withTopK(0).withTopP(0.95f),
                options.withTopK(0).withTopP(1).withMinP(0).withRepeatPenalty(1.1f),
                options.withTopK(0).withTypicalP(0.5f).withXtcProbability(0.5f));
    }

    /** The least bytes of choosing so many tokens by a chain of samplers. */
    static long countHere(int chain) {
        SplittableRandom random = new SplittableRandom(1);
        float[] logits = new float[30_000];
        for (int i = 0; i < logits.length; i++) {
            logits[i] = (float) random.nextGaussian();
        }
        int[] tokens = {1, 2, 2};
        Sampler sampler = Samplers.of(chains().get(chain), logits.length);
        return new AllocationCounter()
                .count(
                        () -> {
                            for (int i = 0; i < TOKENS; i++) {
                                sampler.sample(logits, tokens, tokens.length);
                            }
                        },
                        0);
    }

    /** Of a new process: the number of the chain. */
    public static void main(String[] args) {
        EvaluationAllocation.tell(countHere(Integer.parseInt(args[0])));
    }
}
