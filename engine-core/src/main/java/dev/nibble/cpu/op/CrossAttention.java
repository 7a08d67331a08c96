package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.Linear;
import dev.nibble.cpu.kernel.LinearFactory;
import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.state.CpuSequence;
import dev.nibble.cpu.state.KvCache;
import dev.nibble.cpu.state.Pass;
import dev.nibble.cpu.state.Workspace;
import dev.nibble.cpu.state.Workspace.Buffer;
import dev.nibble.cpu.state.Workspace.Input;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.CrossAttentionConfig;

/** A compiled cross attention: the keys and values of a source, kept once, and the attention of a decoder's rows over them. */
public final class CrossAttention implements MixerOp {
    private final int layer;
    private final Linear query;
    private final Linear key;
    private final Linear value;
    private final Linear output;
    private final BlockedAttention attention;

    public CrossAttention(CrossAttentionConfig config, int layer, LinearFactory linears, Workspace workspace) {
        this.layer = layer;
        query = linears.create(config.query());
        key = linears.create(config.key());
        value = linears.create(config.value());
        output = linears.create(config.output());
        AttentionConfig heads = new AttentionConfig.Builder(
                        layer,
                        config.headCount(),
                        config.headCount(),
                        config.headDim(),
                        config.valueDim(),
                        config.query(),
                        config.key(),
                        config.value(),
                        config.output())
                .scale(config.scale())
                .bidirectional()
                .build();
        attention = new BlockedAttention(heads, layer, true);
        workspace.reserve(Buffer.QUERY, query.outputSize());
        workspace.reserve(Buffer.KEY, key.outputSize());
        workspace.reserve(Buffer.VALUE, value.outputSize());
        workspace.reserve(Input.MIXED, value.outputSize());
    }

    /**
     * Keeps the keys and values of a source.
     *
     * @param states of the encoder, [rows, hiddenSize], in the order of the source
     * @param target whose source it is, with room for it
     */
    public void keep(Pass pass, MatmulInput states, CpuSequence target) {
        float[] keys = pass.workspace.get(Buffer.KEY);
        float[] values = pass.workspace.get(Buffer.VALUE);
        int keyWidth = key.outputSize();
        int valueWidth = value.outputSize();
        states.layers()
                .add(key, keys, 0, keyWidth)
                .add(value, values, 0, valueWidth)
                .run(pass.pool);
        KvCache cache = target.sourceCache(layer);
        pass.forEach(pass.rows(), Attention.cacheGrain(pass), (running, worker, from, to) -> {
            for (int row = from; row < to; row++) {
                cache.write(row, keys, row * keyWidth, values, row * valueWidth, running.pool.scratch(worker));
            }
        });
    }

    @Override
    public void run(Pass pass, MatmulInput input, float[] result) {
        query.apply(pass.pool, input, pass.workspace.get(Buffer.QUERY), 0, query.outputSize());
        pass.observe("Qcross", layer, pass.workspace.get(Buffer.QUERY), query.outputSize());
        attention.run(pass);
        MatmulInput mixed = pass.workspace.get(Input.MIXED);
        mixed.reset(pass.rows(), value.outputSize());
        pass.observe("kqv_cross_out", layer, mixed.values(), value.outputSize());
        output.apply(pass.pool, mixed, result, 0, output.outputSize());
    }
}
