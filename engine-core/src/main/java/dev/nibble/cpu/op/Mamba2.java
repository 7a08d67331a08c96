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
import dev.nibble.model.Mamba2Config;
import dev.nibble.model.Norm;

/** A compiled Mamba-2 layer; the formulas stand at {@link Mamba2Config}. Heads are independent. */
public final class Mamba2 implements MixerOp {
    private final Mamba2Config config;
    private final int layer;
    private final Linear inputProjection;
    private final Linear output;
    private final CausalConvolution convolution;
    private final int inner;
    private final int channels;
    private final int inputWidth;
    private final Pass.Job headsJob = this::stepHeads;

    public Mamba2(Mamba2Config config, int layer, LinearFactory linears, Workspace workspace) {
        this.config = config;
        this.layer = layer;
        inputProjection = linears.create(config.input());
        output = linears.create(config.output());
        convolution = new CausalConvolution(config.kernel(), config.kernelSize());
        inner = config.innerSize();
        channels = config.channels();
        inputWidth = inputProjection.outputSize();
        workspace.reserve(Buffer.MAMBA_INPUT, inputWidth);
        workspace.reserve(Buffer.CONVOLVED, channels);
        workspace.reserve(Input.MIXED, inner);
    }

    @Override
    public void run(Pass pass, MatmulInput input, float[] result) {
        float[] zxdt = pass.workspace.get(Buffer.MAMBA_INPUT); // [rows, inner + channels + heads]
        inputProjection.apply(pass.pool, input, zxdt, 0, inputWidth);
        float[] convolved = pass.workspace.get(Buffer.CONVOLVED);
        for (int row = 0; row < pass.rows(); row++) {
            int at = row * channels;
            float[] before = pass.sequence(row).state(layer).convolution(pass.isFirst(row));
            convolution.step(before, zxdt, row * inputWidth + inner, convolved, at);
            for (int i = 0; i < channels; i++) {
                float x = convolved[at + i] + config.kernelBias()[i];
                convolved[at + i] = (float) (x / (1 + Math.exp(-x)));
            }
        }
        pass.forEach(config.headCount(), 1, headsJob);
        MatmulInput mixed = pass.workspace.get(Input.MIXED);
        for (int row = 0; row < pass.rows(); row++) {
            gate(pass.ops, zxdt, row, mixed.values());
        }
        mixed.reset(pass.rows(), inner);
        output.apply(pass.pool, mixed, result, 0, output.outputSize());
    }

    private void stepHeads(Pass pass, int worker, int from, int to) {
        float[] zxdt = pass.workspace.get(Buffer.MAMBA_INPUT);
        float[] convolved = pass.workspace.get(Buffer.CONVOLVED);
        float[] y = pass.workspace.get(Input.MIXED).values();
        for (int head = from; head < to; head++) {
            for (int row = 0; row < pass.rows(); row++) {
                step(pass, row, head, zxdt, convolved, y);
            }
        }
    }

    private void step(Pass pass, int row, int head, float[] zxdt, float[] xbc, float[] y) {
        VectorOps ops = pass.ops;
        int stateSize = config.stateSize();
        int headDim = config.headDim();
        int group = head / (config.headCount() / config.groupCount());
        double raw = zxdt[row * inputWidth + inner + channels + head] + config.dtBias()[head];
        float dt = (float) (raw > 20 ? raw : Math.log1p(Math.exp(raw)));
        float decay = (float) Math.exp(dt * config.a()[head]);
        int x = row * channels + head * headDim;
        int b = row * channels + inner + group * stateSize;
        int c = b + config.groupCount() * stateSize;
        int base = head * stateSize * headDim;
        RecurrentState states = pass.sequence(row).state(layer);
        float[] state = states.state(pass.isFirst(row), base, stateSize * headDim); // [heads, stateSize, headDim]
        int at = row * inner + head * headDim;
        for (int i = 0; i < headDim; i++) {
            y[at + i] = dt * xbc[x + i];
        }
        ops.scale(state, base, stateSize * headDim, decay);
        for (int i = 0; i < stateSize; i++) {
            ops.axpy(xbc[b + i], y, at, state, base + i * headDim, headDim);
        }
        for (int i = 0; i < headDim; i++) {
            y[at + i] = config.d()[head] * xbc[x + i];
        }
        ops.multiplyAdd(xbc, c, stateSize, 1, stateSize, state, base, headDim, y, at, headDim, headDim);
    }

    /** y · silu(z), then the norm of each group. */
    private void gate(VectorOps ops, float[] zxdt, int row, float[] y) {
        int at = row * inner;
        ops.siluMultiply(zxdt, row * inputWidth, y, at, y, at, inner);
        Norm norm = config.norm();
        if (norm != null) {
            RowNorm.apply(ops, norm, y, at, y, at);
        }
    }
}
