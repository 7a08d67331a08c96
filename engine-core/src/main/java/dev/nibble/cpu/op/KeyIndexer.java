package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.Linear;
import dev.nibble.cpu.kernel.LinearFactory;
import dev.nibble.cpu.kernel.LinearJob;
import dev.nibble.cpu.pool.Scratch;
import dev.nibble.cpu.state.Pass;
import dev.nibble.cpu.state.Workspace;
import dev.nibble.cpu.state.Workspace.Buffer;
import dev.nibble.model.KeyChoice;
import dev.nibble.model.KeyChoice.Rated;
import dev.nibble.model.Norm;
import dev.nibble.model.RopeConfig;
import java.util.Arrays;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A compiled indexer; the formula stands at {@link KeyChoice.Indexer}. Its keys, of positions or of blocks, lie in a cache beside that
 * of the layer. What it chooses is in the pass' {@link ChosenKeys}.
 */
final class KeyIndexer {
    /** Rows that are rated at a time: enough to share out, few enough that their ratings take little memory. */
    private static final int ROWS = 16;

    /** Keys that a worker rates at a time, and that it reads at a time. */
    private static final int SPAN = 512;

    private static final int RUN = 64;

    private final int layer;
    private final int cache;
    private final int count;
    private final boolean choosesPositions;
    private final @Nullable Rope rope;
    private final Linear query;
    private final Linear weights;
    private final @Nullable Linear key;
    private final @Nullable Norm keyNorm;
    private final @Nullable BlockKeys blocks;
    private final int blockSize;
    private final int heads;
    private final int keyDim;
    private final int rotatedAt;
    private final float scale;
    private final Pass.Job rotateJob = this::prepareRows;
    private final Pass.Job rateJob = this::rate;
    private final Pass.Job chooseJob = this::choose;

    /** The ratings of some rows of a running pass. */
    private static final class Ratings {
        private int firstRow;
        private int stride;
        private float[] values = new float[0]; // [ROWS, stride]

        private void begin(int row, int keys) {
            firstRow = row;
            stride = Math.ceilDiv(keys, SPAN) * SPAN;
            int size = Math.multiplyExact(ROWS, stride);
            if (values.length < size) {
                values = new float[size];
            }
        }
    }

    /** What a worker rates in. */
    private static final class Tile {
        private float[] queries = new float[0]; // [keyDim, heads]
        private float[] keys = new float[0]; // [RUN, keyDim]
        private float[] products = new float[0]; // [RUN, heads]

        private void shape(int heads, int keyDim) {
            queries = queries.length < heads * keyDim ? new float[heads * keyDim] : queries;
            keys = keys.length < RUN * keyDim ? new float[RUN * keyDim] : keys;
            products = products.length < RUN * heads ? new float[RUN * heads] : products;
        }
    }

    /**
     * @param cache which of the layer's caches has the keys; that behind it has the parts of keys of blocks
     * @param count keys, or blocks, that are chosen
     * @param choosesPositions whether what is chosen are the positions of blocks and of the last one that is not complete, in place of
     *     blocks
     * @param ropes makes the rotations
     */
    KeyIndexer(
            KeyChoice.Indexer config,
            int count,
            int layer,
            int cache,
            boolean choosesPositions,
            Function<RopeConfig, Rope> ropes,
            LinearFactory linears,
            Workspace workspace) {
        this.count = count;
        this.layer = layer;
        this.cache = cache;
        this.choosesPositions = choosesPositions;
        rope = config.rope() == null ? null : ropes.apply(config.rope());
        query = linears.create(config.query());
        weights = linears.create(config.weights());
        heads = config.headCount();
        keyDim = config.keyDim();
        blockSize = config.blockSize();
        rotatedAt = config.rotatesEnd() && config.rope() != null
                ? keyDim - config.rope().dims()
                : 0;
        scale = (float) (1 / Math.sqrt((double) heads * keyDim));
        switch (config.rated()) {
            case Rated.Positions positions -> {
                key = linears.create(positions.key());
                keyNorm = positions.norm();
                blocks = null;
                workspace.reserve(Buffer.INDEX_KEY, keyDim);
            }
            case Rated.Blocks of -> {
                key = null;
                keyNorm = null;
                RopeConfig ofBlocks = of.blocks().rope();
                blocks = new BlockKeys(
                        of.blocks(),
                        layer,
                        cache,
                        cache + 1,
                        ofBlocks == null ? null : ropes.apply(ofBlocks),
                        Buffer.INDEX_KEY,
                        linears,
                        workspace);
            }
        }
        workspace.reserve(Buffer.INDEX_QUERY, (long) heads * keyDim);
        workspace.reserve(Buffer.INDEX_WEIGHT, heads);
    }

    /** Adds what reads the layer's input to other maps of it. */
    void addTo(LinearJob job, Pass pass) {
        job.add(weights, pass.workspace.get(Buffer.INDEX_WEIGHT), 0, heads);
        if (key != null) {
            job.add(key, pass.workspace.get(Buffer.INDEX_KEY), 0, keyDim);
        }
        if (blocks != null) {
            blocks.addTo(job, pass);
        }
    }

    /** Adds what reads the queries at their low rank to other maps of them. */
    void addQueriesTo(LinearJob job, Pass pass) {
        job.add(query, pass.workspace.get(Buffer.INDEX_QUERY), 0, heads * keyDim);
    }

    /** Keeps the keys of the rows and chooses for each what it reads, once the maps are computed. */
    void run(Pass pass) {
        if (blocks != null) {
            blocks.run(pass);
        }
        pass.forEach(pass.rows(), pass.rowGrain(), rotateJob);
        ChosenKeys.of(pass).begin(pass.rows(), choosesPositions ? count * blockSize + blockSize - 1 : count);
        for (int row = 0; row < pass.rows(); row += ROWS) {
            int rows = Math.min(ROWS, pass.rows() - row);
            int most = 0;
            for (int i = row; i < row + rows; i++) {
                most = Math.max(most, keys(pass, i));
            }
            if (most > count) {
                ratings(pass).begin(row, most);
                pass.forEach(rows * (ratings(pass).stride / SPAN), 1, rateJob);
                pass.forEach(rows, 1, chooseJob);
            }
        }
    }

    /** Keys that a row sees. */
    private int keys(Pass pass, int row) {
        return (pass.position(row) + 1) / blockSize;
    }

    private static Ratings ratings(Pass pass) {
        return pass.part(Ratings.class, Ratings::new);
    }

    private void prepareRows(Pass pass, int worker, int from, int to) {
        float[] keys = pass.workspace.get(Buffer.INDEX_KEY);
        float[] queries = pass.workspace.get(Buffer.INDEX_QUERY);
        for (int row = from; row < to; row++) {
            int at = row * keyDim;
            if (keyNorm != null) {
                RowNorm.apply(pass.ops, keyNorm, keys, at, keys, at);
                if (rope != null) {
                    rope.apply(pass, row, keys, at + rotatedAt, 1, keyDim);
                }
                pass.sequence(row)
                        .cache(layer, cache)
                        .write(pass.position(row), keys, at, keys, at, pass.pool.scratch(worker));
            }
            if (rope != null) {
                rope.apply(pass, row, queries, heads * at + rotatedAt, heads, keyDim);
            }
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
            int row = ratings.firstRow + item / spans;
            int first = item % spans * SPAN;
            int end = Math.min(keys(pass, row), first + SPAN);
            if (keys(pass, row) <= count || first >= end) {
                continue;
            }
            transpose(pass.workspace.get(Buffer.INDEX_QUERY), row * heads * keyDim, tile.queries);
            for (int i = first; i < end; i += RUN) {
                int at = item / spans * ratings.stride + i;
                rateRun(pass, row, i, Math.min(RUN, end - i), tile, ratings.values, at, scratch);
            }
        }
    }

    /** The queries with the heads innermost. */
    private void transpose(float[] queries, int at, float[] out) {
        for (int head = 0; head < heads; head++) {
            for (int i = 0; i < keyDim; i++) {
                out[i * heads + head] = queries[at + head * keyDim + i];
            }
        }
    }

    private void rateRun(Pass pass, int row, int first, int run, Tile tile, float[] out, int at, Scratch scratch) {
        float[] factors = pass.workspace.get(Buffer.INDEX_WEIGHT);
        pass.sequence(row).cache(layer, cache).readRows(0, first, run, tile.keys, scratch);
        Arrays.fill(tile.products, 0, run * heads, 0);
        pass.ops.multiplyAdd(tile.keys, 0, keyDim, run, keyDim, tile.queries, 0, heads, tile.products, 0, heads, heads);
        for (int i = 0; i < run; i++) {
            float sum = 0;
            for (int head = 0; head < heads; head++) {
                sum += factors[row * heads + head] * Math.max(0, tile.products[i * heads + head]);
            }
            out[at + i] = scale * sum;
        }
    }

    private void choose(Pass pass, int worker, int from, int to) {
        Ratings ratings = ratings(pass);
        ChosenKeys chosen = ChosenKeys.of(pass);
        for (int index = from; index < to; index++) {
            int row = ratings.firstRow + index;
            int keys = keys(pass, row);
            if (keys > count) {
                int at = index * ratings.stride;
                int size = choosesPositions ? blockSize : 1;
                int end = choosesPositions ? pass.position(row) + 1 : keys;
                chosen.choose(row, ratings.values, at, keys, count, size, end, pass.pool.scratch(worker));
            }
        }
    }
}
