package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.VectorOps;
import dev.nibble.cpu.pool.Scratch;
import dev.nibble.cpu.state.KvCache;
import dev.nibble.cpu.state.Pass;
import dev.nibble.model.LatentAttentionConfig;
import java.util.Arrays;

/**
 * Latent attention of one row and a few heads, which read each position of the cache once together, and the scratch
 * memory for it; each worker has one for all layers. The softmax is online, as in {@link AttentionTile}.
 */
final class LatentTile {
    /** Heads of a tile: enough to make the conversion of the cache cheap, few enough to share out a single row. */
    static final int HEADS = 4;

    /** Positions that are converted at a time, part of a block of the cache: with 576 elements, 72 KiB. */
    private static final int RUN = 32;

    private LatentAttentionConfig config;
    private float[] keys = new float[0]; // [RUN, cacheDim]
    private final float[] scores = new float[RUN];
    private final float[] maximum = new float[HEADS];
    private final float[] sum = new float[HEADS];

    private LatentTile(LatentAttentionConfig config) {
        this.config = config;
    }

    /** The tile of a worker, for a layer. */
    static LatentTile of(Scratch scratch, LatentAttentionConfig config) {
        LatentTile tile = scratch.part(LatentTile.class, LatentTile::new, config);
        tile.config = config;
        if (tile.keys.length < RUN * config.cacheDim()) {
            tile.keys = new float[RUN * config.cacheDim()];
        }
        return tile;
    }

    /**
     * Writes the weighted sums of the latents that a row sees.
     *
     * @param firstHead the first of {@link #HEADS} heads, or of those that are left
     * @param queries [rows, heads, queryDim], of which the rotated parts are read
     * @param latents [heads, rows, latentDim], the other parts as they meet the latents
     * @param out [heads, rows, latentDim]
     */
    void run(
            Pass pass,
            KvCache cache,
            int row,
            int firstHead,
            float[] queries,
            float[] latents,
            float[] out,
            Scratch scratch) {
        VectorOps ops = pass.ops;
        int latentDim = config.latentDim();
        int end = pass.position(row) + 1;
        int count = Math.min(HEADS, config.headCount() - firstHead);
        for (int head = 0; head < count; head++) {
            // a sink is a key that is always visible and has no value
            float[] sinks = config.sinks();
            maximum[head] = sinks == null ? Float.NEGATIVE_INFINITY : sinks[firstHead + head];
            sum[head] = sinks == null ? 0 : 1;
            int at = ((firstHead + head) * pass.rows() + row) * latentDim;
            Arrays.fill(out, at, at + latentDim, 0);
        }
        ChosenKeys chosen = config.choice() == null ? null : ChosenKeys.of(pass);
        if (chosen == null || chosen.readsAll(row)) {
            int position = config.window() == 0 ? 0 : Math.max(0, end - config.window());
            while (position < end) {
                int run = Math.min(Math.min(RUN, end - position), KvCache.BLOCK - position % KvCache.BLOCK);
                cache.readValues(0, position, run, keys, 0, scratch);
                accumulate(pass, row, firstHead, count, run, queries, latents, out);
                position += run;
            }
        } else {
            for (int first = 0; first < chosen.count(row); first += RUN) {
                int run = Math.min(RUN, chosen.count(row) - first);
                for (int i = 0; i < run; i++) {
                    cache.readValues(0, chosen.position(row, first + i), 1, keys, i * config.cacheDim(), scratch);
                }
                accumulate(pass, row, firstHead, count, run, queries, latents, out);
            }
        }
        for (int head = 0; head < count; head++) {
            int at = ((firstHead + head) * pass.rows() + row) * latentDim;
            ops.scale(out, at, latentDim, 1 / sum[head]);
        }
    }

    /** Takes the positions that were read into account for all heads of the tile. */
    private void accumulate(
            Pass pass, int row, int firstHead, int count, int run, float[] queries, float[] latents, float[] out) {
        for (int head = 0; head < count; head++) {
            int rotatedAt = (row * config.headCount() + firstHead + head) * config.queryDim() + config.plainDim();
            int latentAt = ((firstHead + head) * pass.rows() + row) * config.latentDim();
            accumulate(pass.ops, head, run, queries, rotatedAt, latents, out, latentAt);
        }
    }

    /** Takes a run of positions into account for one head, whose latent query and output both start at latentAt. */
    private void accumulate(
            VectorOps ops,
            int head,
            int run,
            float[] queries,
            int rotatedAt,
            float[] latents,
            float[] out,
            int latentAt) {
        int latentDim = config.latentDim();
        int cacheDim = config.cacheDim();
        for (int k = 0; k < run; k++) {
            int key = k * cacheDim;
            scores[k] = config.scale()
                    * (ops.dot(latents, latentAt, keys, key, latentDim)
                            + ops.dot(queries, rotatedAt, keys, key + latentDim, config.rotatedDim()));
        }
        OnlineSoftmax.weigh(ops, scores, 0, run, maximum, sum, head, out, latentAt, latentDim);
        for (int k = 0; k < run; k++) {
            ops.axpy(scores[k], keys, k * cacheDim, out, latentAt, latentDim);
        }
    }
}
