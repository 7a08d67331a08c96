package dev.nibble.sampling;

import dev.nibble.GenerationOptions;
import dev.nibble.NibbleException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** Changes the logits, filters the candidates, draws one. Allocates nothing after construction. */
final class ChainSampler implements Sampler {
    private final List<LogitsProcessor> processors;
    private final int[] biasedIds;
    private final float[] biases;
    private final @Nullable Penalties penalties;
    private final boolean changesLogits;
    private final float[] changed; // [vocabSize]
    private final int topK;
    private final Filter[] filters;
    private final @Nullable Candidates candidates; // null when greedy
    private final float topP;
    private final boolean nucleus; // whether top-p is the first to drop tokens
    private final Exp exp = new Exp();
    private final SplittableRandom random;
    private float logProbability;

    ChainSampler(GenerationOptions options, int vocabSize) {
        processors = options.logitsProcessors();
        int biasCount = options.logitBias().size();
        biasedIds = new int[biasCount];
        biases = new float[biasCount];
        int next = 0;
        for (Map.Entry<Integer, Float> bias : options.logitBias().entrySet()) {
            if (bias.getKey() >= vocabSize) {
                throw new IllegalArgumentException("logitBias: there is no token " + bias.getKey()
                        + ", the vocabulary has " + vocabSize + " tokens");
            }
            biasedIds[next] = bias.getKey();
            biases[next++] = bias.getValue();
        }
        penalties = penalties(options, vocabSize);
        changesLogits = !processors.isEmpty() || biasedIds.length > 0 || penalties != null;
        changed = new float[changesLogits || options.constraint().isPresent() ? vocabSize : 0];
        topK = options.topK();
        random =
                options.seed().isPresent() ? new SplittableRandom(options.seed().getAsLong()) : new SplittableRandom();
        boolean greedy = options.temperature() <= 0;
        filters = greedy ? new Filter[0] : filters(options, random);
        candidates = greedy ? null : new Candidates(vocabSize);
        topP = options.topP();
        nucleus = topK == 0 && filters.length > 0 && filters[0] instanceof Filter.TopP;
    }

    private static @Nullable Penalties penalties(GenerationOptions options, int vocabSize) {
        float repeat = options.repeatPenalty();
        float frequency = options.frequencyPenalty();
        float presence = options.presencePenalty();
        boolean none = options.repeatLastN() == 0 || (repeat == 1 && frequency == 0 && presence == 0);
        return none ? null : new Penalties(repeat, frequency, presence, options.repeatLastN(), vocabSize);
    }

    private static Filter[] filters(GenerationOptions options, SplittableRandom random) {
        List<Filter> filters = new ArrayList<>();
        if (options.typicalP() < 1) {
            filters.add(new Filter.TypicalP(options.typicalP()));
        }
        if (options.topP() < 1) {
            filters.add(new Filter.TopP(options.topP()));
        }
        if (options.minP() > 0) {
            filters.add(new Filter.MinP(options.minP()));
        }
        if (options.xtcProbability() > 0) {
            filters.add(new Filter.Xtc(options.xtcProbability(), options.xtcThreshold(), random));
        }
        if (options.temperature() != 1) {
            filters.add(new Filter.Temperature(options.temperature()));
        }
        return filters.toArray(Filter[]::new);
    }

    @Override
    public int sample(float[] logits, long @Nullable [] allowed, int[] tokens, int count) {
        boolean changes = changesLogits || allowed != null;
        // What top-p needs to know of all tokens includes the sum that the log-probability needs.
        double total = candidates != null && nucleus && !changes
                ? candidates.loadNucleus(logits, topP)
                : exp.logSumExp(logits);
        if (Double.isNaN(total)) {
            throw new NibbleException("the model's scores after " + count
                    + " tokens hold no usable number (NaN or infinity); the file may be damaged");
        }
        int chosen;
        if (candidates == null && allowed != null && !changesLogits) {
            chosen = best(logits, allowed);
        } else {
            float[] scores = changes ? change(logits, allowed, tokens, count) : logits;
            chosen = candidates == null ? best(scores) : draw(candidates, scores, changes);
        }
        logProbability = (float) (logits[chosen] - total);
        return chosen;
    }

    @Override
    public float logProbability() {
        return logProbability;
    }

    @Override
    public boolean isGreedy() {
        return candidates == null && !changesLogits;
    }

    private float[] change(float[] logits, long @Nullable [] allowed, int[] tokens, int count) {
        System.arraycopy(logits, 0, changed, 0, changed.length);
        if (allowed != null) {
            mask(changed, allowed);
            if (!changesLogits) {
                return changed;
            }
        }
        for (LogitsProcessor processor : processors) {
            processor.process(changed, tokens, count);
        }
        for (int i = 0; i < biasedIds.length; i++) {
            changed[biasedIds[i]] += biases[i];
        }
        if (penalties != null) {
            penalties.apply(changed, tokens, count);
        }
        if (allowed != null && !processors.isEmpty()) {
            mask(changed, allowed); // whatever the processors made of what was masked
        }
        return changed;
    }

    private static void mask(float[] scores, long[] allowed) {
        for (int from = 0; from < scores.length; from += Long.SIZE) {
            long word = from >> 6 < allowed.length ? allowed[from >> 6] : 0;
            int to = Math.min(from + Long.SIZE, scores.length);
            if (word == 0) {
                Arrays.fill(scores, from, to, Float.NEGATIVE_INFINITY);
            } else if (word != -1) {
                for (int id = from; id < to; id++) {
                    if ((word >>> id & 1) == 0) {
                        scores[id] = Float.NEGATIVE_INFINITY;
                    }
                }
            }
        }
    }

    /** The best of the tokens that are allowed, the lowest id among equals. */
    private static int best(float[] scores, long[] allowed) {
        int best = -1;
        float most = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < allowed.length; i++) {
            for (long left = allowed[i]; left != 0; left &= left - 1) {
                int id = (i << 6) + Long.numberOfTrailingZeros(left);
                if (scores[id] > most) {
                    most = scores[id];
                    best = id;
                }
            }
        }
        if (best < 0) {
            throw allMasked();
        }
        return best;
    }

    private static int best(float[] scores) {
        int best = -1;
        float most = Float.NEGATIVE_INFINITY;
        for (int id = 0; id < scores.length; id++) {
            if (scores[id] > most) {
                most = scores[id];
                best = id;
            }
        }
        if (best < 0) {
            throw allMasked();
        }
        return best;
    }

    private int draw(Candidates left, float[] scores, boolean changes) {
        if (!nucleus) {
            left.load(scores, topK);
        } else if (changes) {
            left.loadNucleus(scores, topP);
        }
        if (left.count() == 0) {
            throw allMasked();
        }
        for (Filter filter : filters) {
            filter.apply(left);
        }
        return left.choose(random.nextDouble());
    }

    private static IllegalStateException allMasked() {
        return new IllegalStateException(
                "the logits processors, the logit bias and the constraint leave no token that could be chosen");
    }
}
