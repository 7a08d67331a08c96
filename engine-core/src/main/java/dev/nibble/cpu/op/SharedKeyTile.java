package dev.nibble.cpu.op;

import dev.nibble.cpu.pool.Scratch;
import dev.nibble.cpu.state.KvCache;
import dev.nibble.cpu.state.Pass;
import dev.nibble.model.CompressedAttentionConfig;
import java.util.Arrays;

/**
 * Attention of one row and a few heads over keys that they share and that are the values too, those of a window and then those of
 * blocks, and the scratch memory for it; each worker has one for all layers. The softmax is an {@link OnlineSoftmax}.
 */
final class SharedKeyTile {
    /** Heads of a tile, as in {@link LatentTile}. */
    static final int HEADS = 4;

    /** Keys that are read at a time. */
    private static final int RUN = 32;

    private float[] keys = new float[0]; // [RUN, headDim]
    private final float[] scores = new float[RUN];
    private final float[] maximum = new float[HEADS];
    private final float[] sum = new float[HEADS];

    /** The tile of a worker, for keys of so many elements. */
    static SharedKeyTile of(Scratch scratch, int headDim) {
        SharedKeyTile tile = scratch.part(SharedKeyTile.class, SharedKeyTile::new);
        if (tile.keys.length < RUN * headDim) {
            tile.keys = new float[RUN * headDim];
        }
        return tile;
    }

    /**
     * Writes the weighted sums of the keys that a row sees.
     *
     * @param firstHead the first of {@link #HEADS} heads, or of those that are left
     * @param queries [rows, heads, headDim]
     * @param window the cache of the keys of positions
     * @param blocks the cache of the keys of blocks
     * @param blockCount blocks that the row sees
     * @param out [rows, heads, headDim]
     */
    void run(
            Pass pass,
            CompressedAttentionConfig config,
            KvCache window,
            KvCache blocks,
            int blockCount,
            int row,
            int firstHead,
            float[] queries,
            float[] out,
            Scratch scratch) {
        int count = Math.min(HEADS, config.headCount() - firstHead);
        int headDim = config.headDim();
        int at = (row * config.headCount() + firstHead) * headDim;
        float[] sinks = config.sinks();
        for (int head = 0; head < count; head++) {
            // a sink is a key that is always visible and has no value
            maximum[head] = sinks == null ? Float.NEGATIVE_INFINITY : sinks[firstHead + head];
            sum[head] = sinks == null ? 0 : 1;
        }
        Arrays.fill(out, at, at + count * headDim, 0);
        int end = pass.position(row) + 1;
        for (int first = Math.max(0, end - config.window()); first < end; first += RUN) {
            int run = Math.min(RUN, end - first);
            window.readRows(0, first, run, keys, scratch);
            accumulate(pass, config, count, run, queries, out, at);
        }
        ChosenKeys chosen = ChosenKeys.of(pass);
        boolean all = config.choice() == null || chosen.readsAll(row);
        int read = all ? blockCount : chosen.count(row);
        for (int first = 0; first < read; first += RUN) {
            int run = Math.min(RUN, read - first);
            if (all) {
                blocks.readRows(0, first, run, keys, scratch);
            } else {
                for (int i = 0; i < run; i++) {
                    blocks.readValues(0, chosen.position(row, first + i), 1, keys, i * headDim, scratch);
                }
            }
            accumulate(pass, config, count, run, queries, out, at);
        }
        for (int head = 0; head < count; head++) {
            pass.ops.scale(out, at + head * headDim, headDim, 1 / sum[head]);
        }
    }

    /** Takes the keys that were read into account for all heads of the tile. */
    private void accumulate(
            Pass pass, CompressedAttentionConfig config, int count, int run, float[] queries, float[] out, int at) {
        int headDim = config.headDim();
        for (int head = 0; head < count; head++) {
            int own = at + head * headDim;
            for (int i = 0; i < run; i++) {
                scores[i] = config.scale() * pass.ops.dot(queries, own, keys, i * headDim, headDim);
            }
            OnlineSoftmax.weigh(pass.ops, scores, 0, run, maximum, sum, head, out, own, headDim);
            for (int i = 0; i < run; i++) {
                pass.ops.axpy(scores[i], keys, i * headDim, out, own, headDim);
            }
        }
    }
}
