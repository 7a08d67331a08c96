package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.Linear;
import dev.nibble.cpu.kernel.LinearFactory;
import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.kernel.VectorOps;
import dev.nibble.cpu.state.Pass;
import dev.nibble.cpu.state.Workspace;
import dev.nibble.cpu.state.Workspace.Buffer;
import dev.nibble.cpu.state.Workspace.Input;
import dev.nibble.model.Norm;
import dev.nibble.model.Rwkv6Config;
import java.util.Arrays;

/** A compiled time mix of RWKV 6; the formulas stand at {@link Rwkv6Config}. Heads are independent. */
public final class Rwkv6 implements MixerOp {
    private final Rwkv6Config config;
    private final int layer;
    private final TokenShift shift;
    private final Linear mix;
    private final Linear[] mixUp;
    private final Linear decayLow;
    private final Linear decayUp;
    private final Linear key;
    private final Linear value;
    private final Linear receptance;
    private final Linear gate;
    private final Linear output;
    private final int hidden;
    private final int width;
    private final int kvWidth;
    private final int rank;
    private final Pass.Job headsJob = this::stepHeads;
    private final Pass.Job gateJob = this::gateRows;

    public Rwkv6(Rwkv6Config config, int layer, LinearFactory linears, Workspace workspace) {
        this.config = config;
        this.layer = layer;
        mix = linears.create(config.mix());
        mixUp = config.mixUp().stream().map(linears::create).toArray(Linear[]::new);
        decayLow = linears.create(config.decayLow());
        decayUp = linears.create(config.decayUp());
        key = linears.create(config.key());
        value = linears.create(config.value());
        receptance = linears.create(config.receptance());
        gate = linears.create(config.gate());
        output = linears.create(config.output());
        hidden = mix.inputSize();
        width = config.headCount() * config.headDim();
        kvWidth = config.kvHeadCount() * config.headDim();
        rank = mix.outputSize() / mixUp.length;
        shift = new TokenShift(layer, hidden);
        workspace.reserve(Buffer.SHIFT, hidden);
        workspace.reserve(Buffer.SHARE, hidden);
        workspace.reserve(Buffer.LOW, mix.outputSize());
        workspace.reserve(Buffer.DECAY, width);
        workspace.reserve(Buffer.KEY, kvWidth);
        workspace.reserve(Buffer.VALUE, kvWidth);
        workspace.reserve(Buffer.RECEPTANCE, width);
        workspace.reserve(Buffer.MIX_GATE, width);
        workspace.reserve(Input.SHIFTED, hidden);
        workspace.reserve(Input.LOW_INPUT, Math.max(rank, decayLow.outputSize()));
        workspace.reserve(Input.MIXED, width);
    }

    @Override
    public void run(Pass pass, MatmulInput input, float[] result) {
        Workspace workspace = pass.workspace;
        shift.begin(pass, input);
        float[] low = workspace.get(Buffer.LOW);
        mix.apply(pass.pool, shift.mix(pass, input, config.mixShare(), 0, null), low, 0, mix.outputSize());
        decays(pass, shifted(pass, input, low, 0));
        key.apply(pass.pool, shifted(pass, input, low, 1), workspace.get(Buffer.KEY), 0, kvWidth);
        value.apply(pass.pool, shifted(pass, input, low, 2), workspace.get(Buffer.VALUE), 0, kvWidth);
        receptance.apply(pass.pool, shifted(pass, input, low, 3), workspace.get(Buffer.RECEPTANCE), 0, width);
        gate.apply(pass.pool, shifted(pass, input, low, 4), workspace.get(Buffer.MIX_GATE), 0, width);
        pass.forEach(config.headCount(), 1, headsJob);
        pass.forEach(pass.rows(), pass.rowGrain(), gateJob);
        MatmulInput mixed = workspace.get(Input.MIXED);
        mixed.reset(pass.rows(), width);
        output.apply(pass.pool, mixed, result, 0, output.outputSize());
    }

    /** The input of one of the five, mixed by what the low-rank maps make of it. */
    private MatmulInput shifted(Pass pass, MatmulInput input, float[] low, int index) {
        MatmulInput part = pass.workspace.get(Input.LOW_INPUT);
        for (int row = 0; row < pass.rows(); row++) {
            for (int i = 0; i < rank; i++) {
                part.values()[row * rank + i] = (float) Math.tanh(low[row * mix.outputSize() + index * rank + i]);
            }
        }
        part.reset(pass.rows(), rank);
        float[] shares = pass.workspace.get(Buffer.SHARE);
        mixUp[index].apply(pass.pool, part, shares, 0, hidden);
        return shift.mix(pass, input, config.shares(), index * hidden, shares);
    }

    private void decays(Pass pass, MatmulInput x) {
        MatmulInput low = pass.workspace.get(Input.LOW_INPUT);
        float[] decays = pass.workspace.get(Buffer.DECAY);
        decayLow.apply(pass.pool, x, low.values(), 0, decayLow.outputSize());
        for (int i = 0; i < pass.rows() * decayLow.outputSize(); i++) {
            low.values()[i] = (float) Math.tanh(low.values()[i]);
        }
        low.reset(pass.rows(), decayLow.outputSize());
        decayUp.apply(pass.pool, low, decays, 0, width);
        for (int row = 0; row < pass.rows(); row++) {
            for (int i = 0; i < width; i++) {
                decays[row * width + i] = (float) Math.exp(-Math.exp(decays[row * width + i] + config.decay()[i]));
            }
        }
    }

    /** The norm of the heads, and the gate. */
    private void gateRows(Pass pass, int worker, int from, int to) {
        float[] gates = pass.workspace.get(Buffer.MIX_GATE);
        float[] out = pass.workspace.get(Input.MIXED).values();
        Norm norm = config.norm();
        for (int at = from * width; norm != null && at < to * width; at += width) {
            RowNorm.apply(pass.ops, norm, out, at, out, at);
        }
        for (int i = from * width; i < to * width; i++) {
            float sigmoid = TokenShift.sigmoid(gates[i]);
            out[i] *= config.first() == null ? sigmoid : gates[i] * sigmoid;
        }
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
        float[] decays = pass.workspace.get(Buffer.DECAY);
        float[] keys = pass.workspace.get(Buffer.KEY);
        float[] values = pass.workspace.get(Buffer.VALUE);
        float[] receptances = pass.workspace.get(Buffer.RECEPTANCE);
        float[] out = pass.workspace.get(Input.MIXED).values();
        float[] first = config.first();
        int at = row * width + head * size;
        int keyAt = row * kvWidth + head / (config.headCount() / config.kvHeadCount()) * size;
        int base = head * size * size;
        // [heads, key element, value element]
        float[] state = pass.sequence(row).state(layer).state(pass.isFirst(row), base, size * size);
        Arrays.fill(out, at, at + size, 0);
        if (first != null) {
            ops.multiplyAdd(receptances, at, size, 1, size, state, base, size, out, at, size, size);
            float now = 0;
            for (int i = 0; i < size; i++) {
                now += receptances[at + i] * first[head * size + i] * keys[keyAt + i];
            }
            ops.axpy(now, values, keyAt, out, at, size);
        }
        for (int i = 0; i < size; i++) {
            float decay = decays[at + i];
            ops.scale(state, base + i * size, size, decay);
            float share = first == null ? keys[keyAt + i] * (1 - decay) : keys[keyAt + i];
            ops.axpy(share, values, keyAt, state, base + i * size, size);
        }
        if (first == null) {
            ops.multiplyAdd(receptances, at, size, 1, size, state, base, size, out, at, size, size);
            ops.scale(out, at, size, (float) (1 / Math.sqrt(size)));
        }
    }
}
