package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.Linear;
import dev.nibble.cpu.kernel.LinearFactory;
import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.kernel.VectorOps;
import dev.nibble.cpu.state.Pass;
import dev.nibble.cpu.state.RecurrentState;
import dev.nibble.cpu.state.Workspace;
import dev.nibble.cpu.state.Workspace.Buffer;
import dev.nibble.cpu.state.Workspace.Input;
import dev.nibble.model.DeltaNetConfig;
import java.util.Arrays;

/** A compiled gated delta-net layer; the formulas stand at {@link DeltaNetConfig}. Heads are independent. */
public final class DeltaNet implements MixerOp {
    private final DeltaNetConfig config;
    private final int layer;
    private final Linear output;
    private final Linear qkv;
    private final Linear gate;
    private final Linear alpha;
    private final Linear beta;
    private final CausalConvolution convolution;
    private final int channels;
    private final int valueWidth;
    private final Pass.Job activateJob = this::activateRows;
    private final Pass.Job headsJob = this::stepHeads;

    public DeltaNet(DeltaNetConfig config, int layer, LinearFactory linears, Workspace workspace) {
        this.config = config;
        this.layer = layer;
        channels = config.channels();
        valueWidth = config.valueHeadCount() * config.stateSize();
        qkv = linears.create(config.qkv());
        gate = linears.create(config.gate());
        alpha = linears.create(config.alpha());
        beta = linears.create(config.beta());
        output = linears.create(config.output());
        convolution = new CausalConvolution(config.kernel(), config.kernelSize());
        workspace.reserve(Buffer.DELTA_QKV, channels);
        workspace.reserve(Buffer.CONVOLVED, channels);
        workspace.reserve(Buffer.DELTA_GATE, valueWidth);
        workspace.reserve(Buffer.DELTA_ALPHA, config.valueHeadCount());
        workspace.reserve(Buffer.DELTA_BETA, config.valueHeadCount());
        workspace.reserve(Input.MIXED, valueWidth);
    }

    @Override
    public void run(Pass pass, MatmulInput input, float[] result) {
        float[] inputs = pass.workspace.get(Buffer.DELTA_QKV);
        float[] convolved = pass.workspace.get(Buffer.CONVOLVED);
        int heads = config.valueHeadCount();
        input.layers()
                .add(qkv, inputs, 0, channels)
                .add(gate, pass.workspace.get(Buffer.DELTA_GATE), 0, valueWidth)
                .add(alpha, pass.workspace.get(Buffer.DELTA_ALPHA), 0, heads)
                .add(beta, pass.workspace.get(Buffer.DELTA_BETA), 0, heads)
                .run(pass.pool);
        for (int row = 0; row < pass.rows(); row++) {
            float[] before = pass.sequence(row).state(layer).convolution(pass.isFirst(row));
            convolution.step(before, inputs, row * channels, convolved, row * channels);
        }
        pass.forEach(pass.rows(), pass.rowGrain(), activateJob);
        pass.forEach(heads, 1, headsJob);
        MatmulInput mixed = pass.workspace.get(Input.MIXED);
        mixed.reset(pass.rows(), valueWidth);
        output.apply(pass.pool, mixed, result, 0, output.outputSize());
    }

    private void activateRows(Pass pass, int worker, int from, int to) {
        for (int row = from; row < to; row++) {
            activate(pass.ops, pass.workspace.get(Buffer.CONVOLVED), row * channels);
        }
    }

    private void stepHeads(Pass pass, int worker, int from, int to) {
        float[] convolved = pass.workspace.get(Buffer.CONVOLVED);
        float[] mixed = pass.workspace.get(Input.MIXED).values();
        for (int head = from; head < to; head++) {
            for (int row = 0; row < pass.rows(); row++) {
                step(pass, row, head, convolved, mixed);
            }
        }
    }

    /** SiLU, then the L2 norm of the query and key heads. */
    private void activate(VectorOps ops, float[] x, int at) {
        for (int i = at; i < at + channels; i++) {
            x[i] = (float) (x[i] / (1 + Math.exp(-x[i])));
        }
        int size = config.stateSize();
        for (int head = 0; head < 2 * config.keyHeadCount(); head++) {
            double squares = ops.sumOfSquares(x, at + head * size, size);
            ops.scale(x, at + head * size, size, (float)
                    (1 / Math.sqrt(squares + config.norm().epsilon())));
        }
    }

    /** One position of one value head: decay, correct and read the state, then norm and gate the output. */
    private void step(Pass pass, int row, int head, float[] qkv, float[] out) {
        VectorOps ops = pass.ops;
        int size = config.stateSize();
        int heads = config.valueHeadCount();
        int keyHead = config.grouped() ? head / (heads / config.keyHeadCount()) : head % config.keyHeadCount();
        int query = row * channels + keyHead * size;
        int key = query + config.keyHeadCount() * size;
        int value = row * channels + 2 * config.keyHeadCount() * size + head * size;
        double alpha = pass.workspace.get(Buffer.DELTA_ALPHA)[row * heads + head] + config.dtBias()[head];
        double softplus = alpha > 20 ? alpha : Math.log1p(Math.exp(alpha));
        float decay = (float) Math.exp(config.a()[head] * softplus);
        float beta = (float) (1 / (1 + Math.exp(-pass.workspace.get(Buffer.DELTA_BETA)[row * heads + head])));
        int base = head * size * size;
        RecurrentState states = pass.sequence(row).state(layer);
        float[] state = states.state(pass.isFirst(row), base, size * size); // [heads, key element, value element]
        int at = row * valueWidth + head * size;
        ops.scale(state, base, size * size, decay);
        Arrays.fill(out, at, at + size, 0);
        ops.multiplyAdd(qkv, key, size, 1, size, state, base, size, out, at, size, size);
        for (int i = 0; i < size; i++) {
            out[at + i] = beta * (qkv[value + i] - out[at + i]);
        }
        for (int i = 0; i < size; i++) {
            ops.axpy(qkv[key + i], out, at, state, base + i * size, size);
        }
        Arrays.fill(out, at, at + size, 0);
        ops.multiplyAdd(qkv, query, size, 1, size, state, base, size, out, at, size, size);
        ops.scale(out, at, size, (float) (1 / Math.sqrt(size)));
        RowNorm.apply(ops, config.norm(), out, at, out, at);
        ops.siluMultiply(pass.workspace.get(Buffer.DELTA_GATE), at, out, at, out, at, size);
    }
}
