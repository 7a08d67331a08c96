package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.VectorOps;
import dev.nibble.cpu.pool.Scratch;
import dev.nibble.cpu.state.KvCache;
import dev.nibble.cpu.state.Pass;
import dev.nibble.model.AttentionConfig;
import java.util.Arrays;

/**
 * Attention of a few rows of one sequence with one key/value head, and the scratch memory for it; each worker has one for all
 * layers, and a running pass one to merge in.
 *
 * <p>Keys and values are converted to floats a block of {@link KvCache#BLOCK} positions at a time, once for all rows of
 * the tile and all query heads that share them; scores and results are small matrix products. The softmax is
 * an {@link OnlineSoftmax}. Positions are taken span by span of {@link #SPAN}, each on its own, and the spans are
 * merged in order; so the result does not depend on whether one thread takes all spans or each another.
 */
final class AttentionTile {
    /** Positions of a span: some tens of microseconds of work. A multiple of the block. */
    static final int SPAN = 512;

    /** Queries that make good use of a block once it is converted. */
    private static final int QUERIES = 64;

    private static final int BLOCK = KvCache.BLOCK;

    private AttentionConfig config;
    private int group;
    private int headDim;
    private int valueDim;
    private float[] keys = new float[0]; // [headDim, BLOCK]
    private float[] values = new float[0]; // [BLOCK, valueDim]
    private float[] queries = new float[0]; // [rows * group, headDim], scaled
    private float[] scores = new float[0]; // [rows * group, BLOCK]
    private final Softmax span = new Softmax();
    private final Softmax total = new Softmax();

    /** Results of queries before the division, relative to their greatest scores. */
    static final class Softmax {
        private float[] result = new float[0]; // [queries, valueDim]
        private float[] maximum = new float[0]; // [queries]
        private float[] sum = new float[0]; // [queries]

        /** Makes room; what was there is lost. */
        void reserve(int queries, int valueDim) {
            if (maximum.length < queries) {
                int room = Math.max(queries, 2 * maximum.length);
                maximum = new float[room];
                sum = new float[room];
            }
            int size = Math.multiplyExact(queries, valueDim);
            if (result.length < size) {
                result = new float[Math.max(size, 2 * result.length)];
            }
        }
    }

    private AttentionTile(AttentionConfig config) {
        this.config = config;
    }

    /** The tile of a worker, for a layer. */
    static AttentionTile of(Scratch scratch, AttentionConfig config) {
        AttentionTile tile = scratch.part(AttentionTile.class, AttentionTile::new, config);
        tile.shape(config);
        return tile;
    }

    /** The tile of a running pass, for its layers one after the other. */
    static AttentionTile of(Pass pass, AttentionConfig config) {
        AttentionTile tile = pass.part(AttentionTile.class, AttentionTile::new, config);
        tile.shape(config);
        return tile;
    }

    private void shape(AttentionConfig newConfig) {
        config = newConfig;
        group = config.headCount() / config.kvHeadCount();
        headDim = config.headDim();
        valueDim = config.valueDim();
        int count = rows(config) * group;
        keys = grown(keys, headDim * BLOCK);
        values = grown(values, BLOCK * valueDim);
        queries = grown(queries, count * headDim);
        scores = grown(scores, count * BLOCK);
        span.reserve(count, valueDim);
        total.reserve(count, valueDim);
    }

    private static float[] grown(float[] old, int size) {
        return old.length < size ? new float[size] : old;
    }

    /** Rows of a tile. */
    static int rows(AttentionConfig config) {
        return Math.max(1, QUERIES * config.kvHeadCount() / config.headCount());
    }

    /** First position that the query at {@code position} sees. */
    static int firstVisible(AttentionConfig config, int position) {
        if (config.window() == 0) {
            return 0;
        }
        if (config.chunked()) {
            return position / config.window() * config.window();
        }
        int reach = config.causal() ? config.window() - 1 : config.window() / 2;
        return Math.max(0, position - reach);
    }

    /** End of the positions that the query at {@code position} sees, of {@code written} in the cache. */
    static int endVisible(AttentionConfig config, int position, int written) {
        if (config.causal()) {
            return position + 1;
        }
        return config.window() == 0 ? written : (int) Math.min(written, position + config.window() / 2L + 1);
    }

    /**
     * Writes the attention output of {@code rowCount} rows from {@code firstRow} on.
     *
     * @param head the key/value head
     * @param source [rows, headCount, headDim]
     * @param firstPosition position of the first row; the others follow
     * @param written end of the positions in the cache
     * @param out [rows, headCount, valueDim]
     */
    void run(
            VectorOps ops,
            KvCache cache,
            int head,
            float[] source,
            int firstRow,
            int rowCount,
            int firstPosition,
            int written,
            float[] out,
            Scratch scratch) {
        begin(head, rowCount);
        int from = firstVisible(config, firstPosition);
        int end = endVisible(config, firstPosition + rowCount - 1, written);
        loadQueries(ops, cache, head, source, firstRow, rowCount);
        while (from < end) {
            int to = Math.min(end, (from / SPAN + 1) * SPAN);
            accumulate(ops, cache, head, rowCount, firstPosition, written, from, to, scratch);
            merge(ops, span, 0, rowCount * group);
            from = to;
        }
        finish(ops, head, firstRow, rowCount, out);
    }

    /** Computes the positions from {@code from} to {@code to} of one span, for {@link #merge}. */
    void runSpan(
            VectorOps ops,
            KvCache cache,
            int head,
            float[] source,
            int firstRow,
            int rowCount,
            int firstPosition,
            int written,
            int from,
            int to,
            Softmax partial,
            int index,
            Scratch scratch) {
        loadQueries(ops, cache, head, source, firstRow, rowCount);
        accumulate(ops, cache, head, rowCount, firstPosition, written, from, to, scratch);
        int count = rowCount * group;
        System.arraycopy(span.result, 0, partial.result, index * valueDim, count * valueDim);
        System.arraycopy(span.maximum, 0, partial.maximum, index, count);
        System.arraycopy(span.sum, 0, partial.sum, index, count);
    }

    /** Puts the results of spans together, which are {@code stride} queries apart, and writes the attention output. */
    void mergeSpans(
            VectorOps ops,
            Softmax partial,
            int index,
            int stride,
            int spans,
            int head,
            int firstRow,
            int rowCount,
            float[] out) {
        begin(head, rowCount);
        for (int i = 0; i < spans; i++) {
            merge(ops, partial, index + i * stride, rowCount * group);
        }
        finish(ops, head, firstRow, rowCount, out);
    }

    private void loadQueries(VectorOps ops, KvCache cache, int head, float[] source, int firstRow, int rowCount) {
        int width = group * headDim;
        for (int row = 0; row < rowCount; row++) {
            int at = ((firstRow + row) * config.headCount() + head * group) * headDim;
            System.arraycopy(source, at, queries, row * width, width);
        }
        ops.scale(queries, 0, rowCount * width, config.scale());
        cache.prepareQueries(queries, rowCount * group);
    }

    private void begin(int head, int rowCount) {
        float[] sinks = config.sinks();
        for (int i = 0; i < rowCount * group; i++) {
            // a sink is a key that is always visible and has no value
            total.maximum[i] = sinks == null ? Float.NEGATIVE_INFINITY : sinks[head * group + i % group];
            total.sum[i] = sinks == null ? 0 : 1;
        }
        Arrays.fill(total.result, 0, rowCount * group * valueDim, 0);
    }

    private void accumulate(
            VectorOps ops,
            KvCache cache,
            int head,
            int rowCount,
            int firstPosition,
            int written,
            int from,
            int to,
            Scratch scratch) {
        int count = rowCount * group;
        Arrays.fill(span.maximum, 0, count, Float.NEGATIVE_INFINITY);
        Arrays.fill(span.sum, 0, count, 0);
        Arrays.fill(span.result, 0, count * valueDim, 0);
        for (int block = from / BLOCK * BLOCK; block < to; block += BLOCK) {
            int first = Math.max(from - block, 0);
            int end = Math.min(to - block, BLOCK);
            cache.readKeys(head, block, keys, scratch);
            Arrays.fill(scores, 0, count * BLOCK, 0);
            ops.multiplyAdd(queries, 0, headDim, count, headDim, keys, 0, BLOCK, scores, 0, BLOCK, BLOCK);
            for (int row = 0; row < rowCount; row++) {
                int position = firstPosition + row;
                int visible = Math.max(first, firstVisible(config, position) - block);
                int endVisible = Math.min(end, endVisible(config, position, written) - block);
                for (int i = row * group; i < (row + 1) * group; i++) {
                    addBias(head, i, block - position, visible, endVisible);
                    weigh(ops, i, slope(head, i), block - position, first, visible, endVisible, end);
                }
            }
            cache.readValues(head, block + first, end - first, values, scratch);
            ops.multiplyAdd(
                    scores, first, BLOCK, count, end - first, values, 0, valueDim, span.result, 0, valueDim, valueDim);
        }
        cache.finishValues(span.result, count);
    }

    /** Adds what the distance of a key from the query brings. */
    private void addBias(int head, int i, int distance, int visible, int endVisible) {
        AttentionConfig.RelativeBias bias = config.relativeBias();
        if (bias == null) {
            return;
        }
        int middle = (head * group + i % group) * (2 * bias.reach() + 1) + bias.reach();
        for (int k = visible; k < endVisible; k++) {
            scores[i * BLOCK + k] += bias.values()[middle + Math.clamp(distance + k, -bias.reach(), bias.reach())];
        }
    }

    /** By how much a position between query and key lowers a score. */
    private float slope(int head, int i) {
        float[] slopes = config.slopes();
        return slopes == null ? 0 : slopes[head * group + i % group];
    }

    /**
     * Turns the scores of a query into weights relative to its greatest score so far; hidden positions weigh nothing.
     *
     * @param distance of the block's first position from the query's
     */
    private void weigh(
            VectorOps ops, int i, float slope, int distance, int first, int visible, int endVisible, int end) {
        int at = i * BLOCK;
        int count = endVisible - visible;
        if (count < end - first) {
            Arrays.fill(scores, at + first, at + Math.clamp(visible, first, end), 0);
            Arrays.fill(scores, at + Math.clamp(endVisible, first, end), at + end, 0);
            if (count <= 0) {
                return;
            }
        }
        if (config.softcap() != 0) {
            for (int k = at + visible; k < at + endVisible; k++) {
                scores[k] = (float) (config.softcap() * Math.tanh(scores[k] / config.softcap()));
            }
        }
        if (slope != 0) {
            for (int k = visible; k < endVisible; k++) {
                scores[at + k] -= slope * Math.abs(distance + k);
            }
        }
        OnlineSoftmax.weigh(
                ops, scores, at + visible, count, span.maximum, span.sum, i, span.result, i * valueDim, valueDim);
    }

    private void merge(VectorOps ops, Softmax part, int partIndex, int count) {
        for (int i = 0; i < count; i++) {
            float maximum = part.maximum[partIndex + i];
            if (maximum == Float.NEGATIVE_INFINITY) {
                continue; // sees nothing of this span
            }
            float factor = 1;
            if (maximum > total.maximum[i]) {
                float shrink = (float) Math.exp(total.maximum[i] - maximum);
                total.sum[i] *= shrink;
                ops.scale(total.result, i * valueDim, valueDim, shrink);
                total.maximum[i] = maximum;
            } else {
                factor = (float) Math.exp(maximum - total.maximum[i]);
            }
            total.sum[i] += factor * part.sum[partIndex + i];
            ops.axpy(factor, part.result, (partIndex + i) * valueDim, total.result, i * valueDim, valueDim);
        }
    }

    private void finish(VectorOps ops, int head, int firstRow, int rowCount, float[] out) {
        for (int row = 0; row < rowCount; row++) {
            int outAt = ((firstRow + row) * config.headCount() + head * group) * valueDim;
            System.arraycopy(total.result, row * group * valueDim, out, outAt, group * valueDim);
            for (int g = 0; g < group; g++) {
                ops.scale(out, outAt + g * valueDim, valueDim, 1 / total.sum[row * group + g]);
            }
        }
    }
}
