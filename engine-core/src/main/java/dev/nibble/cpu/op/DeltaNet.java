package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.Linear;
import dev.nibble.cpu.kernel.LinearFactory;
import dev.nibble.cpu.kernel.LinearJob;
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
    private final Linear[] qkv;
    private final FactoredLinear gate;
    private final FactoredLinear decay;
    private final int decayWidth;
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
        qkv = config.qkv().stream().map(linears::create).toArray(Linear[]::new);
        gate = new FactoredLinear(config.gate(), linears, workspace);
        decay = new FactoredLinear(config.decay().map(), linears, workspace);
        decayWidth = config.decay().map().outputSize();
        beta = linears.create(config.beta());
        output = linears.create(config.output());
        convolution = new CausalConvolution(config.kernel(), config.kernelSize());
        workspace.reserve(Buffer.DELTA_QKV, channels);
        workspace.reserve(Buffer.CONVOLVED, channels);
        workspace.reserve(Buffer.DELTA_GATE, valueWidth);
        workspace.reserve(Buffer.DELTA_DECAY, decayWidth);
        workspace.reserve(Buffer.DELTA_BETA, config.valueHeadCount());
        workspace.reserve(Input.MIXED, valueWidth);
    }

    @Override
    public void run(Pass pass, MatmulInput input, float[] result) {
        float[] inputs = pass.workspace.get(Buffer.DELTA_QKV);
        float[] convolved = pass.workspace.get(Buffer.CONVOLVED);
        float[] gates = pass.workspace.get(Buffer.DELTA_GATE);
        float[] decays = pass.workspace.get(Buffer.DELTA_DECAY);
        int heads = config.valueHeadCount();
        LinearJob job = input.layers();
        int first = 0;
        for (Linear part : qkv) {
            job.add(part, inputs, first, channels);
            first += part.outputSize();
        }
        gate.addTo(job, gates);
        decay.addTo(job, decays);
        job.add(beta, pass.workspace.get(Buffer.DELTA_BETA), 0, heads).run(pass.pool);
        gate.runLow(pass, input, gates);
        decay.runLow(pass, input, decays);
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
            ops.scale(x, at + head * size, size, (float) (1 / Math.sqrt(squares + config.keyEpsilon())));
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
        float beta = (float) (1 / (1 + Math.exp(-pass.workspace.get(Buffer.DELTA_BETA)[row * heads + head])));
        int base = head * size * size;
        RecurrentState states = pass.sequence(row).state(layer);
        float[] state = states.state(pass.isFirst(row), base, size * size); // [heads, key element, value element]
        int at = row * valueWidth + head * size;
        fade(pass, row, head, state, base);
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
        float[] gates = pass.workspace.get(Buffer.DELTA_GATE);
        switch (config.gateFunction()) {
            case SILU -> ops.siluMultiply(gates, at, out, at, out, at, size);
            case SIGMOID -> {
                for (int i = at; i < at + size; i++) {
                    out[i] *= (float) (1 / (1 + Math.exp(-gates[i])));
                }
            }
        }
    }

    /** Multiplies the state of a head by e^g: as a whole, or the row of each element of the key. */
    private void fade(Pass pass, int row, int head, float[] state, int base) {
        float[] decays = pass.workspace.get(Buffer.DELTA_DECAY);
        int size = config.stateSize();
        if (!config.decaysByElement()) {
            pass.ops.scale(state, base, size * size, factor(decays[row * decayWidth + head], head, head));
            return;
        }
        for (int i = 0; i < size; i++) {
            int element = head * size + i;
            float factor = factor(decays[row * decayWidth + element], head, element);
            pass.ops.scale(state, base + i * size, size, factor);
        }
    }

    /** e^g. */
    private float factor(float mapped, int head, int element) {
        DeltaNetConfig.Decay how = config.decay();
        double x = mapped + how.bias()[element];
        double a = how.a()[head];
        return (float) Math.exp(how.bound() < 0 ? how.bound() / (1 + Math.exp(-a * x)) : a * softplus(x));
    }

    private static double softplus(double x) {
        return x > 20 ? x : Math.log1p(Math.exp(x));
    }
}
