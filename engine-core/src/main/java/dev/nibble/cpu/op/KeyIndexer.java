package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.Linear;
import dev.nibble.cpu.kernel.LinearFactory;
import dev.nibble.cpu.kernel.LinearJob;
import dev.nibble.cpu.pool.Scratch;
import dev.nibble.cpu.state.KvCache;
import dev.nibble.cpu.state.Pass;
import dev.nibble.cpu.state.Workspace;
import dev.nibble.cpu.state.Workspace.Buffer;
import dev.nibble.model.KeyChoice;
import java.util.Arrays;

/**
 * A compiled indexer; the formula stands at {@link KeyChoice.Indexer}. Its keys are kept as those of an attention with one head
 * are, in a cache beside that of the layer. What it chooses is in the pass' {@link ChosenKeys}.
 */
final class KeyIndexer {
    /** Which of a layer's caches has the indexer's keys. */
    private static final int CACHE = 1;

    /** Rows that are rated at a time: enough to share out, few enough that their ratings take little memory. */
    private static final int ROWS = 16;

    /** Positions that a worker rates at a time. */
    private static final int SPAN = 8 * KvCache.BLOCK;

    private final KeyChoice.Indexer config;
    private final int layer;
    private final int count;
    private final Rope rope;
    private final Linear query;
    private final Linear key;
    private final Linear weights;
    private final int heads;
    private final int keyDim;
    private final int rotatedAt;
    private final float scale;
    private final Pass.Job keysJob = this::prepareRows;
    private final Pass.Job rateJob = this::rate;
    private final Pass.Job chooseJob = this::choose;

    /** The ratings of some rows of a running pass. */
    private static final class Ratings {
        private int firstRow;
        private int stride;
        private float[] values = new float[0]; // [ROWS, stride]

        private void begin(int row, int positions) {
            firstRow = row;
            stride = Math.ceilDiv(positions, SPAN) * SPAN;
            int size = Math.multiplyExact(ROWS, stride);
            if (values.length < size) {
                values = new float[size];
            }
        }
    }

    /** What a worker rates in. */
    private static final class Tile {
        private float[] keys = new float[0]; // [keyDim, BLOCK]
        private float[] products = new float[0]; // [heads, BLOCK]

        private void shape(int heads, int keyDim) {
            if (keys.length < keyDim * KvCache.BLOCK) {
                keys = new float[keyDim * KvCache.BLOCK];
            }
            if (products.length < heads * KvCache.BLOCK) {
                products = new float[heads * KvCache.BLOCK];
            }
        }
    }

    /**
     * @param count keys that are chosen
     */
    KeyIndexer(
            KeyChoice.Indexer config, int count, int layer, Rope rope, LinearFactory linears, Workspace workspace) {
        this.config = config;
        this.count = count;
        this.layer = layer;
        this.rope = rope;
        query = linears.create(config.query());
        key = linears.create(config.key());
        weights = linears.create(config.weights());
        heads = config.headCount();
        keyDim = config.keyDim();
        rotatedAt = config.rotatesEnd() ? keyDim - config.rope().dims() : 0;
        scale = (float) (1 / Math.sqrt((double) heads * keyDim));
        workspace.reserve(Buffer.INDEX_QUERY, (long) heads * keyDim);
        workspace.reserve(Buffer.INDEX_KEY, keyDim);
        workspace.reserve(Buffer.INDEX_WEIGHT, heads);
    }

    /** Adds what reads the layer's input to other maps of it. */
    void addTo(LinearJob job, Pass pass) {
        job.add(key, pass.workspace.get(Buffer.INDEX_KEY), 0, keyDim)
                .add(weights, pass.workspace.get(Buffer.INDEX_WEIGHT), 0, heads);
    }

    /** Adds what reads the queries at their low rank to other maps of them. */
    void addQueriesTo(LinearJob job, Pass pass) {
        job.add(query, pass.workspace.get(Buffer.INDEX_QUERY), 0, heads * keyDim);
    }

    /** Keeps the keys of the rows and chooses for each what it reads, once the maps are computed. */
    void run(Pass pass) {
        pass.forEach(pass.rows(), pass.rowGrain(), keysJob);
        ChosenKeys.of(pass).begin(pass.rows(), count);
        for (int row = 0; row < pass.rows(); row += ROWS) {
            int rows = Math.min(ROWS, pass.rows() - row);
            int longest = 0;
            for (int i = row; i < row + rows; i++) {
                longest = Math.max(longest, pass.position(i) + 1);
            }
            if (longest > count) {
                ratings(pass).begin(row, longest);
                pass.forEach(rows * (ratings(pass).stride / SPAN), 1, rateJob);
                pass.forEach(rows, 1, chooseJob);
            }
        }
    }

    private static Ratings ratings(Pass pass) {
        return pass.part(Ratings.class, Ratings::new);
    }

    private void prepareRows(Pass pass, int worker, int from, int to) {
        float[] keys = pass.workspace.get(Buffer.INDEX_KEY);
        float[] queries = pass.workspace.get(Buffer.INDEX_QUERY);
        for (int row = from; row < to; row++) {
            int at = row * keyDim;
            RowNorm.apply(pass.ops, config.keyNorm(), keys, at, keys, at);
            rope.apply(pass, row, keys, at + rotatedAt, 1, keyDim);
            pass.sequence(row)
                    .cache(layer, CACHE)
                    .write(pass.position(row), keys, at, keys, at, pass.pool.scratch(worker));
            rope.apply(pass, row, queries, heads * at + rotatedAt, heads, keyDim);
        }
    }

    /** Rates spans of keys for rows that see more than are chosen. */
    private void rate(Pass pass, int worker, int from, int to) {
        Ratings ratings = ratings(pass);
        Scratch scratch = pass.pool.scratch(worker);
        Tile tile = scratch.part(Tile.class, Tile::new);
        tile.shape(heads, keyDim);
        int spans = ratings.stride / SPAN;
        for (int item = from; item < to; item++) {
            int index = item / spans;
            int row = ratings.firstRow + index;
            int end = Math.min(pass.position(row) + 1, (item % spans + 1) * SPAN);
            if (pass.position(row) + 1 > count) {
                for (int block = item % spans * SPAN; block < end; block += KvCache.BLOCK) {
                    rateBlock(pass, row, block, tile, ratings.values, index * ratings.stride + block, scratch);
                }
            }
        }
    }

    private void rateBlock(Pass pass, int row, int block, Tile tile, float[] out, int at, Scratch scratch) {
        float[] queries = pass.workspace.get(Buffer.INDEX_QUERY);
        float[] factors = pass.workspace.get(Buffer.INDEX_WEIGHT);
        int width = KvCache.BLOCK;
        pass.sequence(row).cache(layer, CACHE).readKeys(0, block, tile.keys, scratch);
        Arrays.fill(tile.products, 0, heads * width, 0);
        pass.ops.multiplyAdd(
                queries, row * heads * keyDim, keyDim, heads, keyDim, tile.keys, 0, width, tile.products, 0, width,
                width);
        Arrays.fill(out, at, at + width, 0);
        for (int head = 0; head < heads; head++) {
            float factor = scale * factors[row * heads + head];
            for (int i = 0; i < width; i++) {
                out[at + i] += factor * Math.max(0, tile.products[head * width + i]);
            }
        }
    }

    private void choose(Pass pass, int worker, int from, int to) {
        Ratings ratings = ratings(pass);
        ChosenKeys chosen = ChosenKeys.of(pass);
        for (int index = from; index < to; index++) {
            int row = ratings.firstRow + index;
            int seen = pass.position(row) + 1;
            if (seen > count) {
                chosen.choose(row, ratings.values, index * ratings.stride, seen, pass.pool.scratch(worker));
            }
        }
    }
}
