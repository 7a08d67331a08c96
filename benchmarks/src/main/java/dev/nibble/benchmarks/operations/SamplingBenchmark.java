package dev.nibble.benchmarks.operations;

import dev.nibble.GenerationOptions;
import dev.nibble.sampling.Sampler;
import dev.nibble.sampling.Samplers;
import java.util.Arrays;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Choosing a token from normally distributed logits, its log-probability included. Their deviation is what makes a model
 * sure: 95 % of the probability lies with three quarters of the tokens at 1, with a tenth at 3, and with a thousandth at
 * 5, the nearest to a trained model.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@SuppressWarnings("NullAway.Init") // the fields are set before the benchmark runs
public class SamplingBenchmark {

    /** How a token is chosen. */
    public enum Chain {
        /** The most probable one. */
        GREEDY(0, 0, 1),
        /** Of the 40 most probable ones. */
        TOP_K(0.8f, 40, 0.95f),
        /** Of all that make up 95 %. */
        TOP_P(0.8f, 0, 0.95f);

        private final float temperature;
        private final int topK;
        private final float topP;

        Chain(float temperature, int topK, float topP) {
            this.temperature = temperature;
            this.topK = topK;
            this.topP = topP;
        }
    }

    /** The sampler chain. */
    @Param({"GREEDY", "TOP_K", "TOP_P"})
    public Chain chain = Chain.GREEDY;

    /** Tokens. */
    @Param("150000")
    public int vocabSize;

    /** Standard deviation of the logits. */
    @Param({"1", "3", "5"})
    public float deviation;

    private static final int SEED = 1;

    private final int[] tokens = {};
    private float[] logits = {};
    private Sampler sampler;
    private SplittableRandom random;

    /** Draws the logits. */
    @Setup
    public void setUp() {
        Random source = new Random(SEED);
        logits = new float[vocabSize];
        for (int i = 0; i < vocabSize; i++) {
            logits[i] = (float) source.nextGaussian() * deviation;
        }
        GenerationOptions options = GenerationOptions.DEFAULT
                .withTemperature(chain.temperature)
                .withTopK(chain.topK)
                .withTopP(chain.topP)
                .withMinP(0)
                .withSeed(SEED);
        sampler = Samplers.of(options, vocabSize);
        random = new SplittableRandom(SEED);
    }

    /** The sampler. */
    @Benchmark
    public float sample() {
        return sampler.sample(logits, tokens, 0) + sampler.logProbability();
    }

    /** The same by the book: all tokens sorted, a softmax over them in double precision. */
    @Benchmark
    public double oracle() {
        Integer[] order = new Integer[vocabSize];
        Arrays.setAll(order, i -> i);
        Arrays.sort(order, (a, b) -> Float.compare(logits[b], logits[a]));
        double[] weights = new double[vocabSize];
        double total = 0;
        for (int i = 0; i < vocabSize; i++) {
            weights[i] = Math.exp(logits[order[i]] - logits[order[0]]);
            total += weights[i];
        }
        int kept = chain == Chain.GREEDY ? 1 : chain.topK == 0 ? vocabSize : chain.topK;
        double mass = chain.topP * Arrays.stream(weights, 0, kept).sum();
        double sum = 0;
        for (int i = 0; i < kept; i++) {
            sum += weights[i];
            if (sum >= mass) {
                kept = i + 1;
            }
        }
        double sharpened = 0;
        for (int i = 0; i < kept && kept > 1; i++) {
            sharpened += Math.pow(weights[i], 1 / chain.temperature);
        }
        double remaining = random.nextDouble() * sharpened;
        int chosen = 0;
        while (chosen < kept - 1 && remaining >= 0) {
            remaining -= Math.pow(weights[chosen], 1 / chain.temperature);
            chosen += remaining >= 0 ? 1 : 0;
        }
        return order[chosen] + Math.log(weights[chosen] / total);
    }
}
