package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.Linear;
import dev.nibble.cpu.kernel.LinearFactory;
import dev.nibble.cpu.kernel.LinearJob;
import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.kernel.VectorOps;
import dev.nibble.cpu.pool.Scratch;
import dev.nibble.cpu.state.KvCache;
import dev.nibble.cpu.state.Pass;
import dev.nibble.cpu.state.Workspace;
import dev.nibble.cpu.state.Workspace.Buffer;
import dev.nibble.cpu.state.Workspace.Input;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.Norm;
import org.jspecify.annotations.Nullable;

/** A compiled attention layer: projections, norms and rotation, the KV cache, the attention itself, the output. */
public final class Attention implements MixerOp {
    private final AttentionConfig config;
    private final int layer;
    private final @Nullable Rope rope;
    private final Linear query;
    private final @Nullable Linear key;
    private final @Nullable Linear value;
    private final Linear output;
    private final @Nullable OutputGate gate;
    private final int queryWidth;
    private final int keyWidth;
    private final int valueWidth;
    private final BlockedAttention attention;
    private final Pass.Job rowsJob = this::prepareRows;

    /**
     * @param rope the rotation, shared with the layers that have the same
     */
    public Attention(
            AttentionConfig config, int layer, @Nullable Rope rope, LinearFactory linears, Workspace workspace) {
        this.config = config;
        this.layer = layer;
        this.rope = rope;
        query = linears.create(config.query());
        key = config.key() == null ? null : linears.create(config.key());
        value = config.value() == null ? null : linears.create(config.value());
        output = linears.create(config.output());
        queryWidth = config.headCount() * config.headDim();
        keyWidth = config.kvHeadCount() * config.headDim();
        valueWidth = config.kvHeadCount() * config.valueDim();
        attention = new BlockedAttention(config, layer, false);
        workspace.reserve(Buffer.QUERY, query.outputSize());
        workspace.reserve(Buffer.KEY, keyWidth);
        workspace.reserve(Buffer.VALUE, valueWidth);
        workspace.reserve(Input.MIXED, config.headCount() * config.valueDim());
        AttentionConfig.Gate factors = config.gate();
        gate = factors == null
                ? null
                : new OutputGate(
                        factors, config.headCount() * config.valueDim(), config.gateWidth(), linears, workspace);
    }

    @Override
    public void run(Pass pass, MatmulInput input, float[] result) {
        project(pass, input);
        if (gate != null && gate.isInterleaved()) {
            separateGates(pass);
        }
        pass.forEach(pass.rows(), cacheGrain(pass), rowsJob);
        pass.observe("Qcur", layer, pass.workspace.get(Buffer.QUERY), queryWidth);
        MatmulInput mixed = pass.workspace.get(Input.MIXED);
        attention.run(pass);
        if (gate != null) {
            gate.apply(pass);
        }
        if (config.mixedNorm() != null) {
            RowNorm.applyToRows(
                    pass, config.mixedNorm(), mixed.values(), mixed.values(), config.headCount() * config.valueDim());
        }
        mixed.reset(pass.rows(), config.headCount() * config.valueDim());
        pass.observe("kqv_out", layer, mixed.values(), config.headCount() * config.valueDim());
        output.apply(pass.pool, mixed, result, 0, output.outputSize());
    }

    private void project(Pass pass, MatmulInput input) {
        LinearJob job = input.layers().add(query, pass.workspace.get(Buffer.QUERY), 0, query.outputSize());
        if (key != null) {
            job.add(key, pass.workspace.get(Buffer.KEY), 0, keyWidth);
        }
        if (value != null) {
            job.add(value, pass.workspace.get(Buffer.VALUE), 0, valueWidth);
        }
        if (gate != null) {
            gate.addTo(job, pass);
        }
        job.run(pass.pool);
    }

    /** Whole blocks of the KV cache where there are many rows: threads should not write to the same cache lines. */
    static int cacheGrain(Pass pass) {
        return Math.max(pass.rowGrain(), Math.min(KvCache.BLOCK, pass.rows() / pass.pool.threads()));
    }

    private void prepareRows(Pass pass, int worker, int from, int to) {
        for (int row = from; row < to; row++) {
            prepareRow(pass, row, pass.pool.scratch(worker));
        }
    }

    /** Norms, rotation and temperature of one row; its key and value go to the cache. */
    private void prepareRow(Pass pass, int row, Scratch scratch) {
        VectorOps ops = pass.ops;
        float[] queries = pass.workspace.get(Buffer.QUERY);
        int queryAt = row * queryWidth;
        int position = pass.position(row);
        clamp(queries, queryAt, queryWidth);
        normAndRotate(pass, row, config.queryNorm(), queries, queryAt, config.headCount());
        AttentionConfig.Temperature temperature = config.temperature();
        if (temperature != null) {
            ops.scale(queries, queryAt, queryWidth, temperature.factor(position));
        }
        if (key == null) {
            return;
        }
        float[] keys = pass.workspace.get(Buffer.KEY);
        float[] values = pass.workspace.get(Buffer.VALUE);
        int keyAt = row * keyWidth;
        int valueAt = row * valueWidth;
        clamp(keys, keyAt, keyWidth);
        clamp(values, valueAt, valueWidth);
        if (value == null) {
            System.arraycopy(keys, keyAt, values, valueAt, valueWidth);
        }
        normAndRotate(pass, row, config.keyNorm(), keys, keyAt, config.kvHeadCount());
        if (config.valueNormEpsilon() > 0) {
            for (int head = 0; head < config.kvHeadCount(); head++) {
                int at = valueAt + head * config.valueDim();
                ops.scale(
                        values,
                        at,
                        config.valueDim(),
                        RowNorm.rmsFactor(ops, values, at, config.valueDim(), config.valueNormEpsilon()));
            }
        }
        pass.sequence(row).cache(layer).write(position, keys, keyAt, values, valueAt, scratch);
    }

    private void normAndRotate(Pass pass, int row, @Nullable Norm norm, float[] values, int at, int heads) {
        if (!config.normsAfterRope()) {
            RowNorm.applyToHeads(pass.ops, norm, values, at, heads, config.headDim());
        }
        if (rope != null) {
            rope.apply(pass, row, values, at, heads, config.headDim());
        }
        if (config.normsAfterRope()) {
            RowNorm.applyToHeads(pass.ops, norm, values, at, heads, config.headDim());
        }
    }

    private void clamp(float[] values, int at, int count) {
        float limit = config.clamp();
        if (limit > 0) {
            for (int i = at; i < at + count; i++) {
                values[i] = Math.clamp(values[i], -limit, limit);
            }
        }
    }

    /** Queries and gates alternate head by head; makes compact rows of each. */
    private void separateGates(Pass pass) {
        float[] both = pass.workspace.get(Buffer.QUERY);
        float[] gates = pass.workspace.get(Buffer.ATTENTION_GATE);
        int headDim = config.headDim();
        // ascending, so that a query is read before a compact one overwrites its place
        for (int head = 0; head < pass.rows() * config.headCount(); head++) {
            System.arraycopy(both, (2 * head + 1) * headDim, gates, head * headDim, headDim);
            System.arraycopy(both, 2 * head * headDim, both, head * headDim, headDim);
        }
    }
}
