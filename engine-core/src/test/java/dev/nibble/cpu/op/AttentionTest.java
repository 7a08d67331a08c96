package dev.nibble.cpu.op;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.KvCacheType;
import dev.nibble.KvCacheTypes;
import dev.nibble.cpu.KernelFamilies;
import dev.nibble.cpu.kernel.RandomWeights;
import dev.nibble.cpu.kernel.VectorOps;
import dev.nibble.cpu.op.AttentionTile.Softmax;
import dev.nibble.cpu.pool.Scratch;
import dev.nibble.cpu.scalar.ScalarOps;
import dev.nibble.cpu.state.KvCache;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.Projection;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Shape;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Attention over a KV cache beside the formula in double precision, over all positions at once. */
@Tag("vector-width")
class AttentionTest {
    private static final int HEADS = 6;

    private static final Scratch SCRATCH = new Scratch();

    /** A kind of attention; the query rows are the last ones of the context. */
    record Case(String name, int kvHeads, int dim, int context, int rows, UnaryOperator<AttentionConfig.Builder> kind) {
        AttentionConfig config() {
            Projection none = new Projection(
                    new Tensor("none", DType.F32, Shape.of(1, 1), MemorySegment.ofArray(new float[1])), null, 1);
            return kind.apply(new AttentionConfig.Builder(0, HEADS, kvHeads, dim, dim, none, none, none, none))
                    .build();
        }

        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Case> cases() {
        return Stream.of(
                new Case("one position", 2, 32, 1, 1, kind -> kind),
                new Case("one row, several spans", 2, 64, 1300, 1, kind -> kind),
                new Case("one head for all", 1, 32, 600, 3, kind -> kind),
                new Case("a head each", 6, 32, 200, 70, kind -> kind),
                new Case("many rows", 3, 64, 700, 150, kind -> kind),
                new Case("a window", 2, 32, 900, 40, kind -> kind.window(100)),
                new Case("a window of one", 2, 32, 130, 70, kind -> kind.window(1)),
                new Case("a cap", 2, 32, 150, 5, kind -> kind.softcap(2).scale(0.5f)),
                new Case("sinks", 2, 32, 150, 5, kind -> kind.sinks(new float[] {1, -2, 3, 0, 9, 0.5f})),
                new Case("ALiBi", 2, 32, 700, 5, kind -> kind.alibi(8)),
                new Case(
                        "ALiBi in both directions",
                        2,
                        32,
                        90,
                        90,
                        kind -> kind.alibi(8).bidirectional()),
                new Case("chunks", 2, 32, 230, 70, kind -> kind.chunk(100)),
                new Case("both directions", 2, 32, 90, 90, AttentionConfig.Builder::bidirectional),
                new Case(
                        "both directions, a window",
                        2,
                        32,
                        90,
                        90,
                        kind -> kind.bidirectional().window(20)));
    }

    /** Heads that fill no vector; blocks of 32 do not store them. */
    static Stream<Case> oddCases() {
        return Stream.of(
                new Case("heads of 4", 2, 4, 100, 7, kind -> kind),
                new Case("heads of 20", 2, 20, 100, 7, kind -> kind),
                new Case("heads of 80", 2, 80, 100, 13, kind -> kind));
    }

    @ParameterizedTest
    @MethodSource({"cases", "oddCases"})
    void float32(Case test) {
        check(test, KvCacheTypes.of(KvCacheType.F32), 2e-6);
    }

    @ParameterizedTest
    @MethodSource({"cases", "oddCases"})
    void float16(Case test) {
        check(test, KvCacheTypes.of(KvCacheType.F16), 2e-3);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void q8(Case test) {
        check(test, KvCacheTypes.of(KvCacheType.Q8_0), 2e-2);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void q4(Case test) {
        check(test, KvCacheTypes.of(KvCacheType.Q4_0), 0.4);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void keysAndValuesOfDifferentTypes(Case test) {
        for (KvCacheTypes types : List.of(
                new KvCacheTypes(KvCacheType.Q8_0, KvCacheType.Q4_0),
                new KvCacheTypes(KvCacheType.Q4_0, KvCacheType.F16),
                new KvCacheTypes(KvCacheType.F32, KvCacheType.Q8_0))) {
            check(test, types, 0.4);
        }
    }

    /**
     * @param tolerance for what rounding keys and values to their types brings; attention over the rounded ones is exact
     */
    private static void check(Case test, KvCacheTypes type, double tolerance) {
        AttentionConfig config = test.config();
        Random random = new Random(7);
        int width = test.kvHeads * test.dim;
        float[] keys = RandomWeights.gaussian(test.context * width, random);
        float[] values = RandomWeights.gaussian(test.context * width, random);
        float[] queries = RandomWeights.gaussian(test.rows * HEADS * test.dim, random);
        float[] scalar = attend(config, test, type, new ScalarOps(), keys, values, queries);
        float[] selected = attend(config, test, type, KernelFamilies.select().ops(), keys, values, queries);
        double[] expected = expected(config, test, keys, values, queries);
        requireClose(scalar, expected, tolerance, test + " " + type + ", scalar");
        requireClose(selected, expected, tolerance, test + " " + type);
        hold(test, type, config, keys, values);
        expected = expected(config, test, keys, values, queries);
        requireClose(scalar, expected, 5e-6, test + " as held in " + type + ", scalar");
        requireClose(selected, expected, 5e-6, test + " as held in " + type);
    }

    private static float[] attend(
            AttentionConfig config,
            Case test,
            KvCacheTypes type,
            VectorOps ops,
            float[] keys,
            float[] values,
            float[] queries) {
        int width = test.kvHeads * test.dim;
        KvCache cache =
                KvCache.alone(test.kvHeads, test.dim, test.dim, type, test.context, config.window(), test.rows, ops);
        try {
            for (int position = 0; position < test.context; position++) {
                cache.write(position, keys, position * width, values, position * width, SCRATCH);
            }
            float[] atOnce = run(config, test, ops, cache, queries, AttentionTile.rows(config));
            assertThat(run(config, test, ops, cache, queries, 1))
                    .as("row by row")
                    .isEqualTo(atOnce);
            assertThat(runSpans(config, test, ops, cache, queries))
                    .as("span by span")
                    .isEqualTo(atOnce);
            return atOnce;
        } finally {
            cache.free();
        }
    }

    private static void requireClose(float[] actual, double[] expected, double tolerance, String what) {
        for (int i = 0; i < expected.length; i++) {
            if (!(Math.abs(actual[i] - expected[i]) <= tolerance)) {
                assertThat((double) actual[i])
                        .as("%s, value %d", what, i)
                        .isCloseTo(expected[i], Offset.offset(tolerance));
            }
        }
    }

    /** Replaces keys and values by what a cache of the scalar code holds of them. */
    private static void hold(Case test, KvCacheTypes types, AttentionConfig config, float[] keys, float[] values) {
        int dim = test.dim;
        int width = test.kvHeads * dim;
        KvCache cache =
                KvCache.alone(test.kvHeads, dim, dim, types, test.context, config.window(), test.rows, new ScalarOps());
        try {
            for (int position = 0; position < test.context; position++) {
                cache.write(position, keys, position * width, values, position * width, SCRATCH);
            }
            float[][] blocks = new float[test.kvHeads][KvCache.BLOCK * dim];
            float[] row = new float[dim];
            for (int position = 0; position < test.context; position++) {
                int first = position / KvCache.BLOCK * KvCache.BLOCK;
                for (int head = 0; head < test.kvHeads; head++) {
                    int at = position * width + head * dim;
                    if (position == first) {
                        cache.readKeys(head, first, blocks[head], SCRATCH);
                    }
                    for (int i = 0; i < dim; i++) {
                        row[i] = blocks[head][i * KvCache.BLOCK + position % KvCache.BLOCK];
                    }
                    cache.prepareQueries(row, 1); // is its own inverse
                    System.arraycopy(row, 0, keys, at, dim);
                    cache.readValues(head, position, 1, row, SCRATCH);
                    cache.finishValues(row, 1);
                    System.arraycopy(row, 0, values, at, dim);
                }
            }
        } finally {
            cache.free();
        }
    }

    private static float[] run(
            AttentionConfig config, Case test, VectorOps ops, KvCache cache, float[] queries, int tileRows) {
        AttentionTile tile = AttentionTile.of(SCRATCH, config);
        float[] out = new float[queries.length];
        int start = test.context - test.rows;
        for (int row = 0; row < test.rows; row += tileRows) {
            int count = Math.min(tileRows, test.rows - row);
            for (int head = 0; head < test.kvHeads; head++) {
                tile.run(ops, cache, head, queries, row, count, start + row, test.context, out, SCRATCH);
            }
        }
        return out;
    }

    /** As several threads do where there are few heads. */
    private static float[] runSpans(AttentionConfig config, Case test, VectorOps ops, KvCache cache, float[] queries) {
        float[] out = new float[queries.length];
        int group = HEADS / test.kvHeads;
        int spans = (test.context - 1) / AttentionTile.SPAN + 1;
        Softmax partial = new Softmax();
        partial.reserve(spans * group, test.dim);
        for (int row = 0; row < test.rows; row++) {
            int position = test.context - test.rows + row;
            int from = AttentionTile.firstVisible(config, position);
            int end = AttentionTile.endVisible(config, position, test.context);
            for (int head = 0; head < test.kvHeads; head++) {
                int first = from / AttentionTile.SPAN;
                int count = (end - 1) / AttentionTile.SPAN - first + 1;
                for (int i = count - 1; i >= 0; i--) {
                    int begin = (first + i) * AttentionTile.SPAN;
                    AttentionTile.of(SCRATCH, config)
                            .runSpan(
                                    ops,
                                    cache,
                                    head,
                                    queries,
                                    row,
                                    1,
                                    position,
                                    test.context,
                                    Math.max(from, begin),
                                    Math.min(end, begin + AttentionTile.SPAN),
                                    partial,
                                    i * group,
                                    SCRATCH);
                }
                AttentionTile.of(SCRATCH, config).mergeSpans(ops, partial, 0, group, count, head, row, 1, out);
            }
        }
        return out;
    }

    private static double[] expected(AttentionConfig config, Case test, float[] keys, float[] values, float[] queries) {
        double[] out = new double[queries.length];
        int group = HEADS / test.kvHeads;
        for (int row = 0; row < test.rows; row++) {
            int position = test.context - test.rows + row;
            for (int head = 0; head < HEADS; head++) {
                int at = (row * HEADS + head) * test.dim;
                double[] weights = new double[test.context];
                double sum = config.sinks() == null ? 0 : Math.exp(config.sinks()[head]);
                for (int k = 0; k < test.context; k++) {
                    if (!isVisible(config, position, k)) {
                        continue;
                    }
                    double score = 0;
                    for (int i = 0; i < test.dim; i++) {
                        score += (double) queries[at + i] * keys[(k * test.kvHeads + head / group) * test.dim + i];
                    }
                    score *= config.scale();
                    if (config.softcap() != 0) {
                        score = config.softcap() * Math.tanh(score / config.softcap());
                    }
                    if (config.slopes() != null) {
                        score -= config.slopes()[head] * Math.abs(position - k);
                    }
                    weights[k] = Math.exp(score);
                    sum += weights[k];
                }
                for (int k = 0; k < test.context; k++) {
                    for (int i = 0; weights[k] != 0 && i < test.dim; i++) {
                        out[at + i] += weights[k] / sum * values[(k * test.kvHeads + head / group) * test.dim + i];
                    }
                }
            }
        }
        return out;
    }

    private static boolean isVisible(AttentionConfig config, int query, int key) {
        if (config.chunked()) {
            return key <= query && key / config.window() == query / config.window();
        }
        if (config.causal()) {
            return key <= query && (config.window() == 0 || query - key < config.window());
        }
        return config.window() == 0 || Math.abs(query - key) <= config.window() / 2;
    }
}
