package dev.nibble.cpu;

import dev.nibble.model.AttentionConfig;
import java.util.Arrays;

/**
 * Attention of a few rows of one sequence with one key/value head, and the scratch memory for it; one for each worker.
 *
 * <p>Keys and values are read in runs of {@link #RUN} positions, converted to floats once, and used by all rows of the
 * tile and all query heads that share them. The softmax is online (Milakov and Gimelshein 2018, arXiv 1805.02867): a
 * running maximum and sum for each query, and what was accumulated is scaled when the maximum grows.
 */
final class AttentionTile {
    /** Rows of a tile. */
    static final int ROWS = 8;

    /** Positions that are converted at a time: with 128 elements a head, 32 KiB of keys. */
    private static final int RUN = 64;

    private final AttentionConfig config;
    private final int group;
    private final float[] keys; // [RUN, headDim]
    private final float[] values; // [RUN, valueDim]
    private final float[] scores; // [ROWS * group, RUN]
    private final float[] maximum; // [ROWS * group]
    private final float[] sum; // [ROWS * group]

    AttentionTile(AttentionConfig config) {
        this.config = config;
        group = config.headCount() / config.kvHeadCount();
        keys = new float[RUN * config.headDim()];
        values = new float[RUN * config.valueDim()];
        scores = new float[ROWS * group * RUN];
        maximum = new float[ROWS * group];
        sum = new float[ROWS * group];
    }

    /**
     * Writes the attention output of {@code rowCount} rows from {@code firstRow} on.
     *
     * @param head the key/value head
     * @param queries [rows, headCount, headDim]
     * @param firstPosition position of the first row; the others follow
     * @param written end of the positions in the cache
     * @param out [rows, headCount, valueDim]
     */
    void run(
            VectorOps ops,
            KvCache cache,
            int head,
            float[] queries,
            int firstRow,
            int rowCount,
            int firstPosition,
            int written,
            float[] out) {
        start(head, firstRow, rowCount, out);
        int begin = firstVisible(firstPosition);
        int end = Math.min(written, lastVisible(firstPosition + rowCount - 1) + 1);
        for (int position = begin; position < end; ) {
            int count = Math.min(RUN, cache.run(position, end));
            cache.readKeys(head, position, count, keys);
            cache.readValues(head, position, count, values);
            for (int row = 0; row < rowCount; row++) {
                int from = Math.max(0, firstVisible(firstPosition + row) - position);
                int to = Math.min(count, lastVisible(firstPosition + row) + 1 - position);
                if (from < to) {
                    accumulate(ops, head, queries, firstRow + row, row, from, to, out);
                }
            }
            position += count;
        }
        finish(ops, head, firstRow, rowCount, out);
    }

    private int firstVisible(int position) {
        if (config.window() == 0) {
            return 0;
        }
        int reach = config.causal() ? config.window() - 1 : config.window() / 2;
        return Math.max(0, position - reach);
    }

    private int lastVisible(int position) {
        if (config.causal()) {
            return position;
        }
        return config.window() == 0 ? Integer.MAX_VALUE - 1 : position + config.window() / 2;
    }

    private int outputAt(int row, int queryHead) {
        return (row * config.headCount() + queryHead) * config.valueDim();
    }

    private void start(int head, int firstRow, int rowCount, float[] out) {
        float[] sinks = config.sinks();
        for (int row = 0; row < rowCount; row++) {
            for (int g = 0; g < group; g++) {
                int i = row * group + g;
                // a sink is a key that is always visible and has no value
                maximum[i] = sinks == null ? Float.NEGATIVE_INFINITY : sinks[head * group + g];
                sum[i] = sinks == null ? 0 : 1;
                int at = outputAt(firstRow + row, head * group + g);
                Arrays.fill(out, at, at + config.valueDim(), 0);
            }
        }
    }

    /** Takes the keys and values {@code from} to {@code to} of the run into account for all query heads of a row. */
    private void accumulate(
            VectorOps ops, int head, float[] queries, int row, int tileRow, int from, int to, float[] out) {
        int headDim = config.headDim();
        int valueDim = config.valueDim();
        for (int g = 0; g < group; g++) {
            int queryHead = head * group + g;
            int i = tileRow * group + g;
            int scoreAt = i * RUN;
            int queryAt = (row * config.headCount() + queryHead) * headDim;
            for (int k = from; k < to; k++) {
                scores[scoreAt + k] = config.scale() * ops.dot(queries, queryAt, keys, k * headDim, headDim);
            }
            if (config.softcap() != 0) {
                for (int k = from; k < to; k++) {
                    scores[scoreAt + k] =
                            (float) (config.softcap() * Math.tanh(scores[scoreAt + k] / config.softcap()));
                }
            }
            int outAt = outputAt(row, queryHead);
            float highest = Math.max(maximum[i], ops.max(scores, scoreAt + from, to - from));
            if (highest > maximum[i]) {
                float shrink = (float) Math.exp(maximum[i] - highest);
                sum[i] *= shrink;
                ops.scale(out, outAt, valueDim, shrink);
                maximum[i] = highest;
            }
            sum[i] += ops.exp(scores, scoreAt + from, to - from, highest);
            for (int k = from; k < to; k++) {
                ops.axpy(scores[scoreAt + k], values, k * valueDim, out, outAt, valueDim);
            }
        }
    }

    private void finish(VectorOps ops, int head, int firstRow, int rowCount, float[] out) {
        for (int row = 0; row < rowCount; row++) {
            for (int g = 0; g < group; g++) {
                ops.scale(out, outputAt(firstRow + row, head * group + g), config.valueDim(), 1 / sum[row * group + g]);
            }
        }
    }
}
