package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.VectorOps;

/**
 * The softmax of scores that come in parts (Milakov and Gimelshein 2018, arXiv 1805.02867): a running maximum and sum for each
 * query, and what was accumulated is scaled when the maximum grows.
 */
final class OnlineSoftmax {
    private OnlineSoftmax() {}

    /**
     * Turns the next scores of a query into weights relative to its greatest score so far.
     *
     * @param scores at least one from index {@code at} on
     * @param query index in {@code maximum} and {@code sum}
     * @param result what was accumulated, [width] from index {@code resultAt} on
     */
    static void weigh(
            VectorOps ops,
            float[] scores,
            int at,
            int count,
            float[] maximum,
            float[] sum,
            int query,
            float[] result,
            int resultAt,
            int width) {
        float highest = Math.max(maximum[query], ops.max(scores, at, count));
        if (highest > maximum[query]) {
            float shrink = (float) Math.exp(maximum[query] - highest);
            sum[query] *= shrink;
            ops.scale(result, resultAt, width, shrink);
            maximum[query] = highest;
        }
        sum[query] += ops.exp(scores, at, count, highest);
    }
}
