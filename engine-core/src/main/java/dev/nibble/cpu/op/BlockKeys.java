package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.Linear;
import dev.nibble.cpu.kernel.LinearFactory;
import dev.nibble.cpu.kernel.LinearJob;
import dev.nibble.cpu.pool.Scratch;
import dev.nibble.cpu.state.KvCache;
import dev.nibble.cpu.state.Pass;
import dev.nibble.cpu.state.Workspace;
import dev.nibble.cpu.state.Workspace.Buffer;
import dev.nibble.model.KeyBlocks;
import org.jspecify.annotations.Nullable;

/**
 * Compiled keys of blocks; the formula stands at {@link KeyBlocks}. What positions bring lies in one cache as long as a block may need
 * it, k and then g, and the keys of complete blocks in another. A block's key is made from the first of these, whenever its positions
 * came, so that it does not depend on which of them came together.
 */
final class BlockKeys {
    private final KeyBlocks config;
    private final int layer;
    private final int keyCache;
    private final int partCache;
    private final @Nullable Rope rope;
    private final Linear key;
    private final Linear gate;
    private final Buffer parts;
    private final int width;
    private final Pass.Job keepJob = this::keepRows;
    private final Pass.Job completeJob = this::completeRows;

    /** What a worker makes a block's key in. */
    private static final class Tile {
        private float[] parts = new float[0]; // [reach, 2, width]
        private float[] key = new float[0]; // [keyDim]
        private float[] angles = new float[0];

        private void shape(int partCount, int keyDim, int angleCount) {
            parts = parts.length < partCount ? new float[partCount] : parts;
            key = key.length < keyDim ? new float[keyDim] : key;
            angles = angles.length < angleCount ? new float[angleCount] : angles;
        }
    }

    /**
     * @param keyCache which of the layer's caches has the keys of blocks
     * @param partCache which has what positions bring
     * @param parts a buffer for what the rows bring
     */
    BlockKeys(
            KeyBlocks config,
            int layer,
            int keyCache,
            int partCache,
            @Nullable Rope rope,
            Buffer parts,
            LinearFactory linears,
            Workspace workspace) {
        this.config = config;
        this.layer = layer;
        this.keyCache = keyCache;
        this.partCache = partCache;
        this.rope = rope;
        this.parts = parts;
        key = linears.create(config.key());
        gate = linears.create(config.gate());
        width = config.width();
        workspace.reserve(parts, 2L * width);
    }

    /** Adds the maps of the layer's input to others. */
    void addTo(LinearJob job, Pass pass) {
        float[] values = pass.workspace.get(parts);
        job.add(key, values, 0, 2 * width).add(gate, values, width, 2 * width);
    }

    /** How many blocks are complete once a position is there. */
    int complete(int position) {
        return (position + 1) / config.size();
    }

    /** Keeps what the rows bring, and the keys of blocks that they complete, once the maps are computed. */
    void run(Pass pass) {
        pass.forEach(pass.rows(), pass.rowGrain(), keepJob);
        pass.forEach(pass.rows(), pass.rowGrain(), completeJob);
    }

    private void keepRows(Pass pass, int worker, int from, int to) {
        float[] values = pass.workspace.get(parts);
        for (int row = from; row < to; row++) {
            int at = 2 * row * width;
            if (config.keyNorm() != null) {
                RowNorm.apply(pass.ops, config.keyNorm(), values, at, values, at);
            }
            pass.sequence(row)
                    .cache(layer, partCache)
                    .write(pass.position(row), values, at, values, at, pass.pool.scratch(worker));
        }
    }

    private void completeRows(Pass pass, int worker, int from, int to) {
        for (int row = from; row < to; row++) {
            if ((pass.position(row) + 1) % config.size() == 0) {
                complete(pass, row, pass.position(row) / config.size(), pass.pool.scratch(worker));
            }
        }
    }

    private void complete(Pass pass, int row, int block, Scratch scratch) {
        Tile tile = scratch.part(Tile.class, Tile::new);
        tile.shape(config.reach() * 2 * width, config.keyDim(), rope == null ? 0 : rope.width());
        int first = block * config.size();
        int before = config.overlapping() && block > 0 ? config.size() : 0;
        KvCache cache = pass.sequence(row).cache(layer, partCache);
        cache.readRows(0, first - before, before + config.size(), tile.parts, scratch);
        for (int i = 0; i < config.keyDim(); i++) {
            tile.key[i] = element(tile.parts, before, i);
        }
        if (config.norm() != null) {
            RowNorm.apply(pass.ops, config.norm(), tile.key, 0, tile.key, 0);
        }
        if (rope != null && config.rope() != null) {
            rope.prepare(tile.angles, 0, first);
            rope.apply(tile.angles, 0, tile.key, config.keyDim() - config.rope().dims(), 1, config.keyDim());
        }
        pass.sequence(row).cache(layer, keyCache).write(block, tile.key, 0, tile.key, 0, scratch);
    }

    /** An element of the weighted sum of {@code before} positions of the block before and those of the block. */
    private float element(float[] values, int before, int element) {
        int count = before + config.size();
        double max = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < count; i++) {
            max = Math.max(max, gate(values, before, i, element));
        }
        double sum = 0;
        double weighted = 0;
        for (int i = 0; i < count; i++) {
            double weight = Math.exp(gate(values, before, i, element) - max);
            sum += weight;
            weighted += weight * values[2 * i * width + column(before, i, element)];
        }
        return (float) (weighted / sum);
    }

    private double gate(float[] values, int before, int i, int element) {
        int column = column(before, i, element);
        return values[(2 * i + 1) * width + column] + config.offsets()[i % config.size() * width + column];
    }

    /** In which half an element lies. */
    private int column(int before, int i, int element) {
        return config.overlapping() && i >= before ? config.keyDim() + element : element;
    }
}
