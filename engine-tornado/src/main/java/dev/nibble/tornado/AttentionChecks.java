package dev.nibble.tornado;

import static dev.nibble.tornado.KernelCheck.EPSILON;
import static dev.nibble.tornado.KernelCheck.FUNCTION_ULPS;

import dev.nibble.tornado.KernelCheck.FloatView;
import dev.nibble.tornado.kernels.AttentionKernels;
import dev.nibble.tornado.kernels.Layout;
import java.util.List;
import java.util.function.IntToDoubleFunction;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/** Checks of the attention kernels: three query heads to a key head, values of another size, a rotation that leaves a rest. */
final class AttentionChecks {
    private static final int HEADS = 6;
    private static final int KV_HEADS = 2;
    private static final int HEAD_DIM = 40;
    private static final int VALUE_DIM = 24;
    private static final int PAIRS = 16;
    private static final int ROWS = 3;
    private static final int SLOTS = 5 * Layout.PAGE;
    private static final int WIDTH = (HEADS + KV_HEADS) * HEAD_DIM + KV_HEADS * VALUE_DIM;
    /** Relative error of a half, from rounding to the nearest. */
    private static final double HALF = 0x1p-11;

    private AttentionChecks() {}

    /** Query, keys and values of one {@code prepare} launch, which are checked one by one. */
    static List<KernelCheck> prepare(int flags) {
        return List.of(prepare(flags, "query"), prepare(flags, "keys"), prepare(flags, "values"));
    }

    private static KernelCheck prepare(int flags, String what) {
        CheckData data = new CheckData(200 + flags);
        int first = 2 * Layout.ROPE_FINE - 1; // the rows cross a boundary of the rotation's tables
        IntArray batch = data.batch(ROWS, first, SLOTS);
        FloatArray projected = data.floats(ROWS * WIDTH);
        FloatArray query = new FloatArray(ROWS * HEADS * HEAD_DIM);
        ShortArray keys = new ShortArray(2 * SLOTS * KV_HEADS * HEAD_DIM);
        ShortArray values = new ShortArray(2 * SLOTS * KV_HEADS * VALUE_DIM);
        double[] frequencies = new double[PAIRS];
        for (int i = 0; i < PAIRS; i++) {
            frequencies[i] = Math.pow(10000, -(double) i / PAIRS);
        }
        float[] tables = RopeTables.make(frequencies, 1.25f, SLOTS);
        int scalars = HEADS * HEAD_DIM;
        int rope = scalars + Layout.SCALAR_COUNT;
        FloatArray vectors = data.floats(rope + tables.length);
        for (int i = 0; i < tables.length; i++) {
            vectors.set(rope + i, tables[i]);
        }
        data.set(Layout.SCALARS, scalars);
        data.set(Layout.ROPE, rope);
        data.set(Layout.CACHE, 1);
        if (flags != 0) {
            data.set(Layout.QUERY_NORM, 0);
            data.set(Layout.KEY_NORM, 0);
        }
        vectors.set(scalars + Layout.EPSILONS + 2, 1e-3f);
        vectors.set(scalars + Layout.EPSILONS + 3, 1e-3f);
        vectors.set(scalars + Layout.TEMPERATURE, flags == 0 ? 0 : 0.1f);
        vectors.set(scalars + Layout.TEMPERATURE + 1, 64);
        vectors.set(scalars + Layout.TEMPERATURE + 2, 0);
        Launch launch = Launch.of(
                "prepare-" + what + "-" + flags,
                ROWS * (HEADS + 2 * KV_HEADS),
                AttentionKernels.PREPARE_LANES,
                AttentionKernels::prepare,
                batch,
                data.step,
                data.table,
                vectors,
                projected,
                query,
                keys,
                values,
                HEADS,
                KV_HEADS,
                HEAD_DIM,
                VALUE_DIM,
                PAIRS,
                flags);
        List<Object> uploads = List.of(batch, data.step, data.table, vectors, projected, query, keys, values);
        Prepared prepared = new Prepared(data, vectors, projected, frequencies, flags, scalars, first);
        return switch (what) {
            case "query" -> {
                Graph graph = new Graph(MatrixChecks.graphName(launch), uploads, List.of(launch), List.of(query));
                yield new KernelCheck(
                        graph,
                        FloatView.of(query),
                        i -> prepared.value(i / (HEADS * HEAD_DIM), i / HEAD_DIM % HEADS, i % HEAD_DIM, false, 0),
                        i -> prepared.value(i / (HEADS * HEAD_DIM), i / HEAD_DIM % HEADS, i % HEAD_DIM, false, 1));
            }
            case "keys" -> {
                Graph graph = new Graph(MatrixChecks.graphName(launch), uploads, List.of(launch), List.of(keys));
                yield new KernelCheck(
                        graph,
                        cached(batch, keys, KV_HEADS * HEAD_DIM),
                        i -> prepared.value(i / (KV_HEADS * HEAD_DIM), i / HEAD_DIM % KV_HEADS, i % HEAD_DIM, true, 0),
                        i -> prepared.value(i / (KV_HEADS * HEAD_DIM), i / HEAD_DIM % KV_HEADS, i % HEAD_DIM, true, 1));
            }
            default -> {
                Graph graph = new Graph(MatrixChecks.graphName(launch), uploads, List.of(launch), List.of(values));
                IntToDoubleFunction expected = i -> projected.get(i / (KV_HEADS * VALUE_DIM) * WIDTH
                        + (HEADS + KV_HEADS) * HEAD_DIM
                        + i % (KV_HEADS * VALUE_DIM));
                yield new KernelCheck(
                        graph,
                        cached(batch, values, KV_HEADS * VALUE_DIM),
                        expected,
                        i -> HALF * Math.abs(expected.applyAsDouble(i)) + 0x1p-25);
            }
        };
    }

    /** What the rows wrote into the second layer of a cache: [rows, width]. */
    private static FloatView cached(IntArray batch, ShortArray cache, int width) {
        return new FloatView() {
            @Override
            public int size() {
                return ROWS * width;
            }

            @Override
            public float get(int index) {
                int row = index / width;
                int slot = CheckData.slot(batch, row, CheckData.position(batch, row));
                return Float.float16ToFloat(cache.get((SLOTS + slot) * width + index % width));
            }
        };
    }

    /** Queries and keys in double. */
    private record Prepared(
            CheckData data,
            FloatArray vectors,
            FloatArray projected,
            double[] frequencies,
            int flags,
            int scalars,
            int firstPosition) {

        /** Element {@code i} of a head, or with {@code bound} 1 how far off it may be. */
        double value(int row, int head, int i, boolean key, int bound) {
            boolean halves = (flags & AttentionKernels.HALVES) != 0;
            int position = firstPosition + row;
            int pair = halves ? i % PAIRS : i / 2;
            double result = normalized(row, head, i, key);
            double size = Math.abs(result);
            if (i < 2 * PAIRS) {
                int low = halves ? pair : 2 * pair;
                int high = halves ? pair + PAIRS : 2 * pair + 1;
                double cos = Math.cos(position * frequencies[pair]) * 1.25f;
                double sin = Math.sin(position * frequencies[pair]) * 1.25f;
                double a = normalized(row, head, low, key);
                double b = normalized(row, head, high, key);
                result = i == low ? a * cos - b * sin : a * sin + b * cos;
                size = 1.25 * (Math.abs(a) + Math.abs(b));
            }
            double temperature = 1;
            if (!key && flags != 0) {
                double growth = vectors.get(scalars + Layout.TEMPERATURE);
                temperature = 1 + growth * Math.log(Math.floor(position / 64.0) + 1);
            }
            // norm, rotation (four roundings of the angle's cosine, two of the sum) and temperature
            double error = EPSILON * temperature * size * (HEADS * HEAD_DIM / 2.0 + 8 + 2 * FUNCTION_ULPS);
            result *= temperature;
            return bound == 0 ? result : key ? error * 2 + HALF * Math.abs(result) + 0x1p-25 : error;
        }

        private double normalized(int row, int head, int i, boolean key) {
            int start = row * WIDTH + (key ? HEADS * HEAD_DIM : 0);
            int at = start + head * HEAD_DIM + i;
            int norm = key ? Layout.KEY_NORM : Layout.QUERY_NORM;
            int gains = data.get(norm);
            if (gains < 0) {
                return projected.get(at);
            }
            boolean wide = (flags & AttentionKernels.WIDE_QUERY_NORM) != 0;
            int from = wide ? start : start + head * HEAD_DIM;
            int count = wide ? (key ? KV_HEADS : HEADS) * HEAD_DIM : HEAD_DIM;
            double squares = 0;
            for (int k = 0; k < count; k++) {
                squares += (double) projected.get(from + k) * projected.get(from + k);
            }
            double epsilon = vectors.get(scalars + Layout.EPSILONS + norm - Layout.NORMS);
            return projected.get(at)
                    / Math.sqrt(squares / count + epsilon)
                    * vectors.get(gains + (wide ? head * HEAD_DIM : 0) + i);
        }
    }

    static KernelCheck attend(int window, float softcap) {
        CheckData data = new CheckData(300 + window);
        int first = AttentionKernels.ATTEND_LANES + 6; // more than one run of positions, more than one page
        IntArray batch = data.batch(ROWS, first, SLOTS);
        FloatArray query = data.floats(ROWS * HEADS * HEAD_DIM);
        FloatArray mixed = new FloatArray(ROWS * HEADS * VALUE_DIM);
        ShortArray keys = halves(data, 2 * SLOTS * KV_HEADS * HEAD_DIM);
        ShortArray values = halves(data, 2 * SLOTS * KV_HEADS * VALUE_DIM);
        FloatArray vectors = new FloatArray(Layout.SCALAR_COUNT);
        data.set(Layout.SCALARS, 0);
        data.set(Layout.CACHE, 1);
        data.set(Layout.WINDOW, window);
        float scale = 0.2f;
        vectors.set(Layout.SCORE_SCALE, scale);
        vectors.set(Layout.SCORE_SOFTCAP, softcap);
        Launch launch = Launch.of(
                "attend-" + window + "-" + (int) softcap,
                ROWS * HEADS,
                AttentionKernels.ATTEND_LANES,
                AttentionKernels::attend,
                batch,
                data.step,
                data.table,
                vectors,
                query,
                keys,
                values,
                mixed,
                HEADS,
                KV_HEADS,
                HEAD_DIM,
                VALUE_DIM);
        double[] expected = new double[mixed.getSize()];
        double[] bound = new double[mixed.getSize()];
        for (int row = 0; row < ROWS; row++) {
            int position = first + row;
            int begin = window == 0 ? 0 : Math.max(0, position - window + 1);
            for (int head = 0; head < HEADS; head++) {
                int kvHead = head / (HEADS / KV_HEADS);
                double[] scores = new double[position + 1];
                double worst = 0;
                double highest = Double.NEGATIVE_INFINITY;
                for (int p = begin; p <= position; p++) {
                    int at = ((SLOTS + CheckData.slot(batch, row, p)) * KV_HEADS + kvHead) * HEAD_DIM;
                    double magnitude = 0;
                    for (int i = 0; i < HEAD_DIM; i++) {
                        double product = (double) scale
                                * query.get((row * HEADS + head) * HEAD_DIM + i)
                                * Float.float16ToFloat(keys.get(at + i));
                        scores[p] += product;
                        magnitude += Math.abs(product);
                    }
                    worst = Math.max(worst, (HEAD_DIM + 2) * magnitude);
                    if (softcap > 0) {
                        scores[p] = softcap * Math.tanh(scores[p] / softcap);
                        worst += 4 * softcap * FUNCTION_ULPS;
                    }
                    highest = Math.max(highest, scores[p]);
                }
                // an error e of a score changes its share by a factor e^e; so does the rounded argument of the
                // exponential
                double share = EPSILON * (2 * worst + 2 * highest + 2 * FUNCTION_ULPS + position + 40);
                for (int i = 0; i < VALUE_DIM; i++) {
                    double total = 0;
                    double sum = 0;
                    double magnitude = 0;
                    for (int p = begin; p <= position; p++) {
                        int at = ((SLOTS + CheckData.slot(batch, row, p)) * KV_HEADS + kvHead) * VALUE_DIM + i;
                        double weight = Math.exp(scores[p] - highest);
                        double value = Float.float16ToFloat(values.get(at));
                        total += weight;
                        sum += weight * value;
                        magnitude += Math.abs(weight * value);
                    }
                    int at = (row * HEADS + head) * VALUE_DIM + i;
                    expected[at] = sum / total;
                    bound[at] = 2 * share * magnitude / total;
                }
            }
        }
        List<Object> uploads = List.of(batch, data.step, data.table, vectors, query, keys, values, mixed);
        Graph graph = new Graph(MatrixChecks.graphName(launch), uploads, List.of(launch), List.of(mixed));
        return new KernelCheck(graph, FloatView.of(mixed), i -> expected[i], i -> bound[i]);
    }

    private static ShortArray halves(CheckData data, int count) {
        ShortArray halves = new ShortArray(count);
        for (int i = 0; i < count; i++) {
            double size = i % 8 == 0 ? 1e-6 : 1; // now and then below the smallest normal half
            halves.set(i, Float.floatToFloat16((float) (data.random.nextGaussian() * size)));
        }
        return halves;
    }
}
