package dev.nibble.tornado.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/**
 * Attention over a paged KV cache: positions of all sequences lie in pages of {@link Layout#PAGE}, and each row says
 * which pages are its own.
 */
public final class AttentionKernels {
    /** Work-items of a group of {@link #prepare}, which does one head of one row. */
    public static final int PREPARE_LANES = 32;

    /** Work-items of a group of {@link #attend}, which does one query head of one row; positions at a time. */
    public static final int ATTEND_LANES = 64;

    /** The largest head, as local memory is allocated for it. */
    public static final int MAX_HEAD = 512;

    /** Flags of {@link #prepare}: how pairs are formed, and which norms go over all heads together. */
    public static final int HALVES = 1;

    public static final int WIDE_QUERY_NORM = 2;
    public static final int WIDE_KEY_NORM = 4;

    /** Below every score, and its exponential is 0. */
    private static final float LOWEST = -1e30f;

    private AttentionKernels() {}

    /**
     * Norms, rotation and temperature of queries and keys; keys and values go to the cache as halves.
     *
     * @param projected [rows, heads + kvHeads + kvHeads of values, element]
     * @param query [rows, heads, headDim], the result
     * @param keys [layers, slots, kvHeads, headDim]
     * @param values [layers, slots, kvHeads, valueDim]
     * @param pairs rotated pairs
     */
    public static void prepare(
            KernelContext context,
            IntArray batch,
            IntArray step,
            IntArray table,
            FloatArray vectors,
            FloatArray projected,
            FloatArray query,
            ShortArray keys,
            ShortArray values,
            int heads,
            int kvHeads,
            int headDim,
            int valueDim,
            int pairs,
            int flags) {
        float[] partial = context.allocateFloatLocalArray(PREPARE_LANES);
        int units = heads + 2 * kvHeads;
        int group = context.groupIdx;
        int lane = context.localIdx;
        int row = group / units;
        int unit = group % units;
        // without an early return: a barrier follows, which must not stand in a condition
        int active = row < batch.get(Layout.ROWS) ? 1 : 0;
        int rowAt = Layout.BATCH_HEADER + row * active * Layout.ROW_SIZE;
        int position = batch.get(rowAt + Layout.POSITION);
        int tableRow = step.get(Layout.TABLE_ROW) * Layout.COLUMNS;
        int scalars = table.get(tableRow + Layout.SCALARS);
        int keyWidth = kvHeads * headDim;
        int start = row * active * (heads * headDim + keyWidth + kvHeads * valueDim);
        int slot = slot(batch, rowAt, position) + table.get(tableRow + Layout.CACHE) * batch.get(Layout.SLOTS);

        int isValue = unit >= heads + kvHeads ? 1 : 0;
        int isKey = unit >= heads && isValue == 0 ? 1 : 0;
        int first = start; // of the queries, the keys or the values of the row
        int head = unit;
        int norm = Layout.QUERY_NORM;
        int wide = flags & WIDE_QUERY_NORM;
        int rowWidth = heads * headDim;
        if (isKey == 1) {
            first = start + heads * headDim;
            head = unit - heads;
            norm = Layout.KEY_NORM;
            wide = flags & WIDE_KEY_NORM;
            rowWidth = keyWidth;
        }
        int from = first + head * headDim;
        int gains = table.get(tableRow + norm);
        int begin = from;
        int count = headDim;
        if (wide != 0) {
            begin = first;
            count = rowWidth;
        }
        if (gains < 0 || isValue == 1) {
            count = 0;
        }
        float squares = 0;
        for (int i = lane; i < count; i += PREPARE_LANES) {
            float value = projected.get(begin + i);
            squares += value * value;
        }
        partial[lane] = squares;
        context.localBarrier();
        if (active == 0) {
            return;
        }
        if (isValue == 1) {
            int valueHead = unit - heads - kvHeads;
            int source = start + heads * headDim + keyWidth + valueHead * valueDim;
            int target = (slot * kvHeads + valueHead) * valueDim;
            for (int i = lane; i < valueDim; i += PREPARE_LANES) {
                values.set(target + i, Halves.encode(projected.get(source + i)));
            }
            return;
        }
        float factor = 1;
        if (gains >= 0) {
            float total = 0;
            for (int i = 0; i < PREPARE_LANES; i++) {
                total += partial[i];
            }
            float epsilon = vectors.get(scalars + Layout.EPSILONS + norm - Layout.NORMS);
            factor = 1 / TornadoMath.sqrt(total / count + epsilon);
            if (wide != 0) {
                gains = gains + head * headDim;
            }
        }
        float temperature = vectors.get(scalars + Layout.TEMPERATURE);
        if (isKey == 0 && temperature != 0) {
            float context0 = vectors.get(scalars + Layout.TEMPERATURE + 1);
            float offset = vectors.get(scalars + Layout.TEMPERATURE + 2);
            // positions are not negative, so the cast is the floor
            float steps = (int) ((position + offset) / context0);
            temperature = 1 + temperature * TornadoMath.log(steps + 1);
        } else {
            temperature = 1;
        }

        int rope = table.get(tableRow + Layout.ROPE);
        int turned = rope >= 0 ? pairs : 0;
        int to = isKey == 1 ? (slot * kvHeads + head) * headDim : (row * heads + head) * headDim;
        for (int i = lane; i < turned; i += PREPARE_LANES) {
            int low = 2 * i;
            int high = 2 * i + 1;
            if ((flags & HALVES) != 0) {
                low = i;
                high = i + pairs;
            }
            float a = gained(projected, from + low, vectors, gains, low, factor);
            float b = gained(projected, from + high, vectors, gains, high, factor);
            int fine = rope + ((position & (Layout.ROPE_FINE - 1)) * pairs + i) * 2;
            int coarse = rope + ((Layout.ROPE_FINE + (position >> Layout.ROPE_BITS)) * pairs + i) * 2;
            float fineCos = vectors.get(fine);
            float fineSin = vectors.get(fine + 1);
            float coarseCos = vectors.get(coarse);
            float coarseSin = vectors.get(coarse + 1);
            float cos = fineCos * coarseCos - fineSin * coarseSin;
            float sin = fineSin * coarseCos + fineCos * coarseSin;
            float turnedLow = (a * cos - b * sin) * temperature;
            float turnedHigh = (a * sin + b * cos) * temperature;
            if (isKey == 1) {
                keys.set(to + low, Halves.encode(turnedLow));
                keys.set(to + high, Halves.encode(turnedHigh));
            } else {
                query.set(to + low, turnedLow);
                query.set(to + high, turnedHigh);
            }
        }
        for (int i = 2 * turned + lane; i < headDim; i += PREPARE_LANES) {
            float value = gained(projected, from + i, vectors, gains, i, factor) * temperature;
            if (isKey == 1) {
                keys.set(to + i, Halves.encode(value));
            } else {
                query.set(to + i, value);
            }
        }
    }

    private static float gained(FloatArray values, int at, FloatArray vectors, int gains, int k, float factor) {
        float value = values.get(at) * factor;
        if (gains >= 0) {
            value = value * vectors.get(gains + k);
        }
        return value;
    }

    /** Where a position of a row lies in a layer's part of the cache. */
    private static int slot(IntArray batch, int rowAt, int position) {
        int pages = batch.get(rowAt + Layout.PAGES);
        int page = batch.get(pages + (position >> Layout.PAGE_BITS));
        return (page << Layout.PAGE_BITS) + (position & (Layout.PAGE - 1));
    }

    /**
     * Softmax attention of each row over the positions up to its own, with a running maximum and sum (Milakov and
     * Gimelshein 2018, arXiv 1805.02867) over {@link #ATTEND_LANES} positions at a time.
     *
     * @param query [rows, heads, headDim]
     * @param mixed [rows, heads, valueDim], the result
     */
    public static void attend(
            KernelContext context,
            IntArray batch,
            IntArray step,
            IntArray table,
            FloatArray vectors,
            FloatArray query,
            ShortArray keys,
            ShortArray values,
            FloatArray mixed,
            int heads,
            int kvHeads,
            int headDim,
            int valueDim) {
        float[] scaled = context.allocateFloatLocalArray(MAX_HEAD);
        float[] sums = context.allocateFloatLocalArray(MAX_HEAD);
        float[] scores = context.allocateFloatLocalArray(ATTEND_LANES);
        int group = context.groupIdx;
        int lane = context.localIdx;
        int row = group / heads;
        int head = group % heads;
        // without an early return: a barrier must not stand in a condition
        int active = row < batch.get(Layout.ROWS) ? 1 : 0;
        int rowAt = Layout.BATCH_HEADER + row * active * Layout.ROW_SIZE;
        int position = active == 1 ? batch.get(rowAt + Layout.POSITION) : -1;
        int tableRow = step.get(Layout.TABLE_ROW) * Layout.COLUMNS;
        int scalars = table.get(tableRow + Layout.SCALARS);
        int layerSlot = table.get(tableRow + Layout.CACHE) * batch.get(Layout.SLOTS);
        int window = table.get(tableRow + Layout.WINDOW);
        int kvHead = head / (heads / kvHeads);
        float scale = vectors.get(scalars + Layout.SCORE_SCALE);
        float softcap = vectors.get(scalars + Layout.SCORE_SOFTCAP);
        int begin = 0;
        if (window > 0 && position >= window) {
            begin = position - window + 1;
        }
        for (int i = lane; i < headDim * active; i += ATTEND_LANES) {
            scaled[i] = query.get((row * heads + head) * headDim + i) * scale;
        }
        for (int i = lane; i < valueDim; i += ATTEND_LANES) {
            sums[i] = 0;
        }
        float highest = LOWEST;
        float total = 0;
        for (int run = begin; run <= position; run += ATTEND_LANES) {
            context.localBarrier();
            int own = run + lane;
            float score = LOWEST;
            if (own <= position) {
                int at = ((layerSlot + slot(batch, rowAt, own)) * kvHeads + kvHead) * headDim;
                float dot = 0;
                for (int i = 0; i < headDim; i++) {
                    dot += scaled[i] * Halves.decode(keys.get(at + i));
                }
                score = dot;
                if (softcap > 0) {
                    score = softcap * RowKernels.tanh(score / softcap);
                }
            }
            scores[lane] = score;
            context.localBarrier();
            int count = position - run + 1;
            if (count > ATTEND_LANES) {
                count = ATTEND_LANES;
            }
            float maximum = highest;
            for (int i = 0; i < count; i++) {
                float other = scores[i];
                if (other > maximum) {
                    maximum = other;
                }
            }
            context.localBarrier();
            scores[lane] = TornadoMath.exp(score - maximum);
            context.localBarrier();
            float shrink = TornadoMath.exp(highest - maximum);
            highest = maximum;
            total = total * shrink;
            for (int i = 0; i < count; i++) {
                total += scores[i];
            }
            for (int i = lane; i < valueDim; i += ATTEND_LANES) {
                float sum = sums[i] * shrink;
                for (int j = 0; j < count; j++) {
                    int at = ((layerSlot + slot(batch, rowAt, run + j)) * kvHeads + kvHead) * valueDim;
                    sum += scores[j] * Halves.decode(values.get(at + i));
                }
                sums[i] = sum;
            }
        }
        for (int i = lane; i < valueDim * active; i += ATTEND_LANES) {
            mixed.set((row * heads + head) * valueDim + i, sums[i] / total);
        }
    }
}
