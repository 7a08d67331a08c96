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
import dev.nibble.model.Rwkv7Config;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** A compiled time mix of RWKV 7; the formulas stand at {@link Rwkv7Config}. Heads are independent. */
public final class Rwkv7 implements MixerOp {
    /** exp(-1/2). */
    private static final double DECAY = 0.606531;

    /** What a length is at least that keys are divided by. */
    private static final double LEAST_LENGTH = 1e-12;

    /** Where the shares of the six lie. */
    private static final int R = 0;

    private static final int W = 1;
    private static final int K = 2;
    private static final int V = 3;
    private static final int A = 4;
    private static final int G = 5;

    private final Rwkv7Config config;
    private final int layer;
    private final TokenShift shift;
    private final Linear receptance;
    private final Linear key;
    private final Linear value;
    private final LowRank decay;
    private final LowRank rate;
    private final @Nullable LowRank valueMix;
    private final @Nullable LowRank gate;
    private final Linear output;
    private final int hidden;
    private final Pass.Job headsJob = this::stepHeads;
    private final Pass.Job finishJob = this::finishRows;

    /** A map through a low rank. */
    private record LowRank(float @Nullable [] base, Linear low, Linear up) {}

    public Rwkv7(Rwkv7Config config, int layer, LinearFactory linears, Workspace workspace) {
        this.config = config;
        this.layer = layer;
        receptance = linears.create(config.receptance());
        key = linears.create(config.key());
        value = linears.create(config.value());
        decay = lowRank(config.decay(), linears, workspace);
        rate = lowRank(config.rate(), linears, workspace);
        valueMix = config.valueMix() == null ? null : lowRank(config.valueMix(), linears, workspace);
        if (config.gateLow() == null || config.gateUp() == null) {
            gate = null;
        } else {
            gate = new LowRank(null, linears.create(config.gateLow()), linears.create(config.gateUp()));
            workspace.reserve(Input.LOW_INPUT, gate.low.outputSize());
        }
        output = linears.create(config.output());
        hidden = config.headCount() * config.headDim();
        shift = new TokenShift(layer, hidden);
        for (Buffer buffer : new Buffer[] {
            Buffer.SHIFT,
            Buffer.SHARE,
            Buffer.DECAY,
            Buffer.KEY,
            Buffer.VALUE,
            Buffer.FIRST_VALUE,
            Buffer.RECEPTANCE,
            Buffer.RATE,
            Buffer.KEY_NORMAL,
            Buffer.MIX_GATE
        }) {
            workspace.reserve(buffer, hidden);
        }
        workspace.reserve(Input.SHIFTED, hidden);
        workspace.reserve(Input.MIXED, hidden);
    }

    private static LowRank lowRank(Rwkv7Config.LowRankMap map, LinearFactory linears, Workspace workspace) {
        LowRank made = new LowRank(map.base(), linears.create(map.low()), linears.create(map.up()));
        workspace.reserve(Input.LOW_INPUT, made.low.outputSize());
        return made;
    }

    @Override
    public void run(Pass pass, MatmulInput input, float[] result) {
        Workspace workspace = pass.workspace;
        float[] values = workspace.get(Buffer.VALUE);
        shift.begin(pass, input);
        receptance.apply(pass.pool, shifted(pass, input, R), workspace.get(Buffer.RECEPTANCE), 0, hidden);
        float[] decays = workspace.get(Buffer.DECAY);
        apply(pass, decay, shifted(pass, input, W), true, false, decays);
        key.apply(pass.pool, shifted(pass, input, K), workspace.get(Buffer.KEY), 0, hidden);
        MatmulInput x = shifted(pass, input, V);
        value.apply(pass.pool, x, values, 0, hidden);
        mixValues(pass, x, values);
        float[] rates = workspace.get(Buffer.RATE);
        apply(pass, rate, shifted(pass, input, A), false, false, rates);
        int count = pass.rows() * hidden;
        for (int i = 0; i < count; i++) {
            decays[i] = (float) Math.exp(-DECAY * TokenShift.sigmoid(decays[i]));
            rates[i] = TokenShift.sigmoid(rates[i]);
        }
        if (gate != null) {
            apply(pass, gate, shifted(pass, input, G), false, true, workspace.get(Buffer.MIX_GATE));
        }
        pass.forEach(config.headCount(), 1, headsJob);
        pass.forEach(pass.rows(), pass.rowGrain(), finishJob);
        MatmulInput mixed = workspace.get(Input.MIXED);
        mixed.reset(pass.rows(), hidden);
        output.apply(pass.pool, mixed, result, 0, hidden);
    }

    private MatmulInput shifted(Pass pass, MatmulInput input, int index) {
        return shift.mix(pass, input, config.shares(), index * hidden, null);
    }

    /** The values of the first layer, which are kept while a batch runs, have a share in those of all others. */
    private void mixValues(Pass pass, MatmulInput x, float[] values) {
        float[] first = pass.workspace.get(Buffer.FIRST_VALUE);
        if (valueMix == null) {
            System.arraycopy(values, 0, first, 0, pass.rows() * hidden);
            return;
        }
        float[] shares = pass.workspace.get(Buffer.SHARE);
        apply(pass, valueMix, x, false, false, shares);
        for (int i = 0; i < pass.rows() * hidden; i++) {
            values[i] += (first[i] - values[i]) * TokenShift.sigmoid(shares[i]);
        }
    }

    /** base + up(f(low(x))), where f is tanh, a sigmoid or nothing. */
    private void apply(Pass pass, LowRank map, MatmulInput x, boolean tanh, boolean sigmoid, float[] out) {
        MatmulInput low = pass.workspace.get(Input.LOW_INPUT);
        int rank = map.low.outputSize();
        map.low.apply(pass.pool, x, low.values(), 0, rank);
        if (tanh || sigmoid) {
            for (int i = 0; i < pass.rows() * rank; i++) {
                float z = low.values()[i];
                low.values()[i] = tanh ? (float) Math.tanh(z) : TokenShift.sigmoid(z);
            }
        }
        low.reset(pass.rows(), rank);
        map.up.apply(pass.pool, low, out, 0, hidden);
        if (map.base != null) {
            for (int row = 0; row < pass.rows(); row++) {
                pass.ops.add(map.base, 0, out, row * hidden, hidden);
            }
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
        float[] rates = pass.workspace.get(Buffer.RATE);
        float[] normals = pass.workspace.get(Buffer.KEY_NORMAL);
        float[] out = pass.workspace.get(Input.MIXED).values();
        int own = head * size;
        int at = row * hidden + own;
        for (int i = 0; i < size; i++) {
            normals[at + i] = keys[at + i] * config.keyNormal()[own + i];
        }
        double length = Math.sqrt(ops.sumOfSquares(normals, at, size));
        ops.scale(normals, at, size, (float) (1 / Math.max(length, LEAST_LENGTH)));
        for (int i = 0; i < size; i++) {
            keys[at + i] *= 1 + config.keyRate()[own + i] * (rates[at + i] - 1);
        }
        int base = head * size * size;
        // [heads, key element, value element]
        float[] state = pass.sequence(row).state(layer).state(pass.isFirst(row), base, size * size);
        Arrays.fill(out, at, at + size, 0);
        ops.multiplyAdd(normals, at, size, 1, size, state, base, size, out, at, size, size);
        for (int i = 0; i < size; i++) {
            int stateAt = base + i * size;
            ops.scale(state, stateAt, size, decays[at + i]);
            ops.axpy(-normals[at + i] * rates[at + i], out, at, state, stateAt, size);
            ops.axpy(keys[at + i], values, at, state, stateAt, size);
        }
        Arrays.fill(out, at, at + size, 0);
        ops.multiplyAdd(receptances, at, size, 1, size, state, base, size, out, at, size, size);
    }

    /** The norm of the heads, the bonus of the position itself, and the gate. */
    private void finishRows(Pass pass, int worker, int from, int to) {
        float[] keys = pass.workspace.get(Buffer.KEY);
        float[] values = pass.workspace.get(Buffer.VALUE);
        float[] receptances = pass.workspace.get(Buffer.RECEPTANCE);
        float[] out = pass.workspace.get(Input.MIXED).values();
        int size = config.headDim();
        Norm norm = config.norm();
        for (int row = from; row < to; row++) {
            if (norm != null) {
                RowNorm.apply(pass.ops, norm, out, row * hidden, out, row * hidden);
            }
            for (int own = 0; own < hidden; own += size) {
                int at = row * hidden + own;
                float bonus = 0;
                for (int i = 0; i < size; i++) {
                    bonus += keys[at + i] * receptances[at + i] * config.bonus()[own + i];
                }
                pass.ops.axpy(bonus, values, at, out, at, size);
            }
        }
        if (gate != null) {
            float[] gates = pass.workspace.get(Buffer.MIX_GATE);
            for (int i = from * hidden; i < to * hidden; i++) {
                out[i] *= gates[i];
            }
        }
    }
}
