package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.Linear;
import dev.nibble.cpu.kernel.LinearFactory;
import dev.nibble.cpu.kernel.LinearJob;
import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.pool.Scratch;
import dev.nibble.cpu.state.Pass;
import dev.nibble.cpu.state.Workspace;
import dev.nibble.cpu.state.Workspace.Buffer;
import dev.nibble.cpu.state.Workspace.Input;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.KeyChoice;
import dev.nibble.model.LatentAttentionConfig;
import dev.nibble.model.Projection;
import dev.nibble.model.RopeConfig;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A compiled latent attention; the formulas stand at {@link LatentAttentionConfig}. The cache holds the latent of each
 * position and the rotated part after it.
 */
public final class LatentAttention implements MixerOp {
    private final LatentAttentionConfig config;
    private final int layer;
    private final @Nullable Rope rope;
    private final Linear query;
    private final Linear output;
    private final @Nullable Linear queryDown;
    private final Linear latent;
    private final HeadMaps keyUp;
    private final HeadMaps valueUp;
    private final @Nullable OutputGate gate;
    private final @Nullable KeyIndexer indexer;
    private final int heads;
    private final int queryWidth;
    private final int cacheDim;
    private final Pass.Job rowsJob = this::prepareRows;
    private final Pass.Job attendJob = this::attend;

    /**
     * @param rope the rotation, shared with the layers that have the same
     * @param ropes makes the rotations of the indexer
     */
    public LatentAttention(
            LatentAttentionConfig config,
            int layer,
            @Nullable Rope rope,
            Function<RopeConfig, Rope> ropes,
            LinearFactory linears,
            Workspace workspace) {
        this.config = config;
        this.layer = layer;
        this.rope = rope;
        heads = config.headCount();
        queryWidth = heads * config.queryDim();
        cacheDim = config.cacheDim();
        query = linears.create(config.query());
        output = linears.create(config.output());
        @Nullable Projection down = config.queryDown();
        latent = linears.create(config.latent());
        queryDown = down == null ? null : linears.create(down);
        keyUp = new HeadMaps(
                config.keyUp(), linears, Input.HEADS, state -> state.get(Buffer.LATENT), HeadMaps.Order.HEADS_FIRST);
        valueUp = new HeadMaps(
                config.valueUp(),
                linears,
                Input.HEADS,
                state -> state.get(Input.MIXED).values(),
                HeadMaps.Order.ROWS_FIRST);
        workspace.reserve(Buffer.QUERY, queryWidth);
        workspace.reserve(Buffer.KEY, cacheDim);
        workspace.reserve(Buffer.LATENT, (long) heads * config.latentDim());
        workspace.reserve(Input.LOW_QUERY, query.inputSize());
        workspace.reserve(Input.HEADS, (long) heads * Math.max(config.plainDim(), config.latentDim()));
        workspace.reserve(Input.MIXED, (long) heads * config.valueDim());
        AttentionConfig.Gate factors = config.gate();
        gate = factors == null || factors.projection() == null
                ? null
                : new OutputGate(
                        factors, heads * config.valueDim(), factors.projection().outputSize(), linears, workspace);
        KeyChoice choice = config.choice();
        indexer = choice == null || choice.indexer() == null
                ? null
                : new KeyIndexer(choice.indexer(), choice.count(), layer, 1, true, ropes, linears, workspace);
    }

    @Override
    public void run(Pass pass, MatmulInput input, float[] result) {
        int rows = pass.rows();
        Workspace workspace = pass.workspace;
        float[] queries = workspace.get(Buffer.QUERY); // [rows, heads, queryDim]
        project(pass, input, queries);
        MatmulInput headRows = workspace.get(Input.HEADS);
        pass.forEach(rows, pass.rowGrain(), rowsJob);
        pass.observe("q", layer, queries, queryWidth);

        headRows.reset(heads * rows, config.plainDim());
        keyUp.apply(pass);
        pass.forEach(rows * Math.ceilDiv(heads, LatentTile.HEADS), 1, attendJob);
        headRows.reset(heads * rows, config.latentDim());
        valueUp.apply(pass);
        MatmulInput mixed = workspace.get(Input.MIXED);
        if (gate != null) {
            gate.apply(pass);
        }
        mixed.reset(rows, heads * config.valueDim());
        pass.observe("kqv_out", layer, mixed.values(), heads * config.valueDim());
        output.apply(pass.pool, mixed, result, 0, output.outputSize());
    }

    /** Makes the queries, and the latents with what is rotated in {@link Buffer#KEY}. */
    private void project(Pass pass, MatmulInput input, float[] queries) {
        LinearJob job = input.layers().add(latent, pass.workspace.get(Buffer.KEY), 0, cacheDim);
        if (gate != null) {
            gate.addTo(job, pass);
        }
        if (indexer != null) {
            indexer.addTo(job, pass);
        }
        if (queryDown == null) {
            job.add(query, queries, 0, queryWidth).run(pass.pool);
            return;
        }
        MatmulInput low = pass.workspace.get(Input.LOW_QUERY);
        int rank = query.inputSize();
        job.add(queryDown, low.values(), 0, rank).run(pass.pool);
        RowNorm.applyToRows(pass, config.queryNorm(), low.values(), low.values(), rank);
        low.reset(pass.rows(), rank);
        LinearJob ofQueries = low.layers().add(query, queries, 0, queryWidth);
        if (indexer == null) {
            ofQueries.run(pass.pool);
            return;
        }
        indexer.addQueriesTo(ofQueries, pass);
        ofQueries.run(pass.pool);
        indexer.run(pass);
    }

    private void prepareRows(Pass pass, int worker, int from, int to) {
        float[] queries = pass.workspace.get(Buffer.QUERY);
        float[] plainParts = pass.workspace.get(Input.HEADS).values();
        for (int row = from; row < to; row++) {
            prepareRow(pass, row, queries, plainParts, pass.pool.scratch(worker));
        }
    }

    /** Norm and rotation of one row; its latent goes to the cache, the plain parts of its queries head by head. */
    private void prepareRow(Pass pass, int row, float[] queries, float[] plainParts, Scratch scratch) {
        int position = pass.position(row);
        int plainDim = config.plainDim();
        int queryAt = row * queryWidth;
        if (rope != null) {
            rope.apply(pass, row, queries, queryAt + plainDim, heads, config.queryDim());
        }
        AttentionConfig.Temperature temperature = config.temperature();
        if (temperature != null) {
            pass.ops.scale(queries, queryAt, queryWidth, temperature.factor(position));
        }
        for (int head = 0; head < heads; head++) {
            int to = (head * pass.rows() + row) * plainDim;
            System.arraycopy(queries, queryAt + head * config.queryDim(), plainParts, to, plainDim);
        }
        float[] keys = pass.workspace.get(Buffer.KEY);
        int keyAt = row * cacheDim;
        RowNorm.apply(pass.ops, config.latentNorm(), keys, keyAt, keys, keyAt);
        int rotatedAt = keyAt + config.latentDim();
        if (config.rotatedNorm() != null) {
            RowNorm.apply(pass.ops, config.rotatedNorm(), keys, rotatedAt, keys, rotatedAt);
        }
        if (rope != null) {
            rope.apply(pass, row, keys, rotatedAt, 1, config.rotatedDim());
        }
        pass.sequence(row).cache(layer).write(position, keys, keyAt, keys, keyAt, scratch);
    }

    /** Some heads of a row at a time. */
    private void attend(Pass pass, int worker, int from, int to) {
        int parts = Math.ceilDiv(heads, LatentTile.HEADS);
        float[] queries = pass.workspace.get(Buffer.QUERY);
        float[] latents = pass.workspace.get(Buffer.LATENT); // [heads, rows, latentDim]
        float[] mixed = pass.workspace.get(Input.HEADS).values(); // [heads, rows, latentDim]
        Scratch scratch = pass.pool.scratch(worker);
        for (int item = from; item < to; item++) {
            int row = item / parts;
            int head = item % parts * LatentTile.HEADS;
            LatentTile.of(scratch, config)
                    .run(pass, pass.sequence(row).cache(layer), row, head, queries, latents, mixed, scratch);
        }
    }
}
