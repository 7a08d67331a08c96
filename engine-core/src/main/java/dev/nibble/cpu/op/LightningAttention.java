package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.Linear;
import dev.nibble.cpu.kernel.LinearFactory;
import dev.nibble.cpu.kernel.LinearJob;
import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.kernel.VectorOps;
import dev.nibble.cpu.state.Pass;
import dev.nibble.cpu.state.Workspace;
import dev.nibble.cpu.state.Workspace.Buffer;
import dev.nibble.cpu.state.Workspace.Input;
import dev.nibble.model.AttentionConfig.Gate;
import dev.nibble.model.LightningConfig;
import java.util.Arrays;

/** A compiled lightning attention; the formulas stand at {@link LightningConfig}. Heads are independent. */
public final class LightningAttention implements MixerOp {
    private final LightningConfig config;
    private final int layer;
    private final Linear qkv;
    private final OutputGate gate;
    private final Linear output;
    private final int width;
    private final float[] factors;
    private final Pass.Job headsJob = this::stepHeads;

    public LightningAttention(LightningConfig config, int layer, LinearFactory linears, Workspace workspace) {
        this.config = config;
        this.layer = layer;
        width = config.headCount() * config.headDim();
        qkv = linears.create(config.qkv());
        gate = new OutputGate(new Gate(config.gate(), Gate.Function.SIGMOID), width, width, linears, workspace);
        output = linears.create(config.output());
        factors = new float[config.headCount()];
        for (int head = 0; head < factors.length; head++) {
            factors[head] = (float) Math.exp(-config.rates()[head]);
        }
        workspace.reserve(Buffer.QUERY, 3L * width);
        workspace.reserve(Input.MIXED, width);
    }

    @Override
    public void run(Pass pass, MatmulInput input, float[] result) {
        LinearJob job = input.layers().add(qkv, pass.workspace.get(Buffer.QUERY), 0, 3 * width);
        gate.addTo(job, pass);
        job.run(pass.pool);
        pass.forEach(config.headCount(), 1, headsJob);
        MatmulInput mixed = pass.workspace.get(Input.MIXED);
        RowNorm.applyToRows(pass, config.norm(), mixed.values(), mixed.values(), width);
        gate.apply(pass);
        mixed.reset(pass.rows(), width);
        output.apply(pass.pool, mixed, result, 0, output.outputSize());
    }

    private void stepHeads(Pass pass, int worker, int from, int to) {
        for (int head = from; head < to; head++) {
            for (int row = 0; row < pass.rows(); row++) {
                step(pass, row, head);
            }
        }
    }

    private void step(Pass pass, int row, int head) {
        VectorOps ops = pass.ops;
        int size = config.headDim();
        float[] values = pass.workspace.get(Buffer.QUERY); // [rows, heads, 3, size]
        float[] out = pass.workspace.get(Input.MIXED).values();
        int query = 3 * (row * width + head * size);
        int key = query + size;
        int value = key + size;
        for (int i = query; i < query + 3 * size; i++) {
            values[i] = (float) (values[i] / (1 + Math.exp(-values[i])));
        }
        int base = head * size * size;
        // [heads, key element, value element]
        float[] state = pass.sequence(row).state(layer).state(pass.isFirst(row), base, size * size);
        ops.scale(state, base, size * size, factors[head]);
        for (int i = 0; i < size; i++) {
            ops.axpy(values[key + i], values, value, state, base + i * size, size);
        }
        int at = row * width + head * size;
        Arrays.fill(out, at, at + size, 0);
        ops.multiplyAdd(values, query, size, 1, size, state, base, size, out, at, size, size);
    }
}
