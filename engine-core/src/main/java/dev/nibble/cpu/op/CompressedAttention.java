package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.Linear;
import dev.nibble.cpu.kernel.LinearFactory;
import dev.nibble.cpu.kernel.LinearJob;
import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.pool.Scratch;
import dev.nibble.cpu.state.CpuSequence;
import dev.nibble.cpu.state.KvCache;
import dev.nibble.cpu.state.Pass;
import dev.nibble.cpu.state.Workspace;
import dev.nibble.cpu.state.Workspace.Buffer;
import dev.nibble.cpu.state.Workspace.Input;
import dev.nibble.model.CompressedAttentionConfig;
import dev.nibble.model.KeyBlocks;
import dev.nibble.model.KeyChoice;
import dev.nibble.model.RopeConfig;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A compiled attention to a window and to keys of blocks; the formulas stand at {@link CompressedAttentionConfig}. Of the layer's
 * caches the first has the keys of positions, the next two are those of {@link BlockKeys}, the last two the indexer's.
 */
public final class CompressedAttention implements MixerOp {
    private static final int BLOCK_CACHE = 1;
    private static final int INDEX_CACHE = 3;

    private final CompressedAttentionConfig config;
    private final int layer;
    private final Rope rope;
    private final Linear queryDown;
    private final Linear query;
    private final Linear key;
    private final HeadMaps groups;
    private final Linear output;
    private final @Nullable BlockKeys blocks;
    private final @Nullable KeyIndexer indexer;
    private final int heads;
    private final int headDim;
    private final int rotatedAt;
    private final Pass.Job rowsJob = this::prepareRows;
    private final Pass.Job attendJob = this::attend;
    private final Pass.Job groupJob = this::groupRows;

    /**
     * @param ropes makes the rotations
     */
    public CompressedAttention(
            CompressedAttentionConfig config,
            int layer,
            Function<RopeConfig, Rope> ropes,
            LinearFactory linears,
            Workspace workspace) {
        this.config = config;
        this.layer = layer;
        rope = ropes.apply(config.rope());
        queryDown = linears.create(config.queryDown());
        query = linears.create(config.query());
        key = linears.create(config.key());
        groups = new HeadMaps(
                config.groups(),
                linears,
                Input.HEADS,
                state -> state.get(Input.MIXED).values(),
                HeadMaps.Order.ROWS_FIRST);
        output = linears.create(config.output());
        heads = config.headCount();
        headDim = config.headDim();
        rotatedAt = headDim - config.rope().dims();
        KeyBlocks ofBlocks = config.blocks();
        RopeConfig blockRope = ofBlocks == null ? null : ofBlocks.rope();
        blocks = ofBlocks == null
                ? null
                : new BlockKeys(
                        ofBlocks,
                        layer,
                        BLOCK_CACHE,
                        BLOCK_CACHE + 1,
                        blockRope == null ? null : ropes.apply(blockRope),
                        Buffer.BLOCK_PARTS,
                        linears,
                        workspace);
        KeyChoice choice = config.choice();
        indexer = choice == null || choice.indexer() == null
                ? null
                : new KeyIndexer(
                        choice.indexer(), choice.count(), layer, INDEX_CACHE, false, ropes, linears, workspace);
        workspace.reserve(Buffer.QUERY, (long) heads * headDim);
        workspace.reserve(Buffer.KEY, headDim);
        workspace.reserve(Buffer.LATENT, (long) heads * headDim);
        workspace.reserve(Input.LOW_QUERY, query.inputSize());
        workspace.reserve(Input.HEADS, (long) heads * headDim);
        workspace.reserve(Input.MIXED, output.inputSize());
    }

    @Override
    public void run(Pass pass, MatmulInput input, float[] result) {
        Workspace workspace = pass.workspace;
        MatmulInput low = workspace.get(Input.LOW_QUERY);
        int rank = query.inputSize();
        LinearJob job =
                input.layers().add(queryDown, low.values(), 0, rank).add(key, workspace.get(Buffer.KEY), 0, headDim);
        if (blocks != null) {
            blocks.addTo(job, pass);
        }
        if (indexer != null) {
            indexer.addTo(job, pass);
        }
        job.run(pass.pool);
        RowNorm.applyToRows(pass, config.queryNorm(), low.values(), low.values(), rank);
        low.reset(pass.rows(), rank);
        LinearJob ofQueries = low.layers().add(query, workspace.get(Buffer.QUERY), 0, heads * headDim);
        if (indexer != null) {
            indexer.addQueriesTo(ofQueries, pass);
        }
        ofQueries.run(pass.pool);
        if (blocks != null) {
            blocks.run(pass);
        }
        if (indexer != null) {
            indexer.run(pass);
        }
        pass.forEach(pass.rows(), pass.rowGrain(), rowsJob);
        pass.forEach(pass.rows() * Math.ceilDiv(heads, SharedKeyTile.HEADS), 1, attendJob);
        pass.observe("kqv_out", layer, workspace.get(Buffer.LATENT), heads * headDim);
        pass.forEach(pass.rows(), pass.rowGrain(), groupJob);
        int count = config.groups().size();
        MatmulInput grouped = workspace.get(Input.HEADS);
        grouped.reset(count * pass.rows(), heads / count * headDim);
        MatmulInput mixed = workspace.get(Input.MIXED);
        groups.apply(pass);
        mixed.reset(pass.rows(), output.inputSize());
        output.apply(pass.pool, mixed, result, 0, output.outputSize());
    }

    /** Norms and rotation; the key goes to the cache. */
    private void prepareRows(Pass pass, int worker, int from, int to) {
        float[] queries = pass.workspace.get(Buffer.QUERY);
        float[] keys = pass.workspace.get(Buffer.KEY);
        for (int row = from; row < to; row++) {
            int queryAt = row * heads * headDim;
            RowNorm.applyToHeads(pass.ops, config.headNorm(), queries, queryAt, heads, headDim);
            rope.apply(pass, row, queries, queryAt + rotatedAt, heads, headDim);
            int keyAt = row * headDim;
            RowNorm.apply(pass.ops, config.keyNorm(), keys, keyAt, keys, keyAt);
            rope.apply(pass, row, keys, keyAt + rotatedAt, 1, headDim);
            pass.sequence(row)
                    .cache(layer)
                    .write(pass.position(row), keys, keyAt, keys, keyAt, pass.pool.scratch(worker));
        }
    }

    private void attend(Pass pass, int worker, int from, int to) {
        float[] queries = pass.workspace.get(Buffer.QUERY);
        float[] out = pass.workspace.get(Buffer.LATENT);
        int parts = Math.ceilDiv(heads, SharedKeyTile.HEADS);
        Scratch scratch = pass.pool.scratch(worker);
        SharedKeyTile tile = SharedKeyTile.of(scratch, headDim);
        for (int item = from; item < to; item++) {
            int row = item / parts;
            int head = item % parts * SharedKeyTile.HEADS;
            CpuSequence sequence = pass.sequence(row);
            KvCache window = sequence.cache(layer);
            int count = blocks == null ? 0 : blocks.complete(pass.position(row));
            KvCache ofBlocks = blocks == null ? window : sequence.cache(layer, BLOCK_CACHE);
            tile.run(pass, config, window, ofBlocks, count, row, head, queries, out, scratch);
        }
    }

    /** Rotates what the heads return back, and lays it out group by group. */
    private void groupRows(Pass pass, int worker, int from, int to) {
        float[] out = pass.workspace.get(Buffer.LATENT);
        float[] grouped = pass.workspace.get(Input.HEADS).values();
        int count = config.groups().size();
        int width = heads / count * headDim;
        for (int row = from; row < to; row++) {
            int at = row * heads * headDim;
            rope.applyBack(pass, row, out, at + rotatedAt, heads, headDim);
            for (int group = 0; group < count; group++) {
                System.arraycopy(out, at + group * width, grouped, (group * pass.rows() + row) * width, width);
            }
        }
    }
}
