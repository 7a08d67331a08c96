package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.Linear;
import dev.nibble.cpu.kernel.LinearFactory;
import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.pool.Scratch;
import dev.nibble.cpu.state.Pass;
import dev.nibble.cpu.state.RecurrentState;
import dev.nibble.cpu.state.Workspace;
import dev.nibble.cpu.state.Workspace.Buffer;
import dev.nibble.cpu.state.Workspace.Input;
import dev.nibble.model.MambaConfig;
import java.util.Arrays;

/**
 * A compiled Mamba layer; the formulas stand at {@link MambaConfig}. Channels are independent but for the maps: each thread
 * takes chunks of {@link #CHUNK} through all rows, whose states lie together, the same element of all channels side by side.
 */
public final class Mamba implements MixerOp {
    /** Channels that are computed together. */
    private static final int CHUNK = 64;

    private final MambaConfig config;
    private final int layer;
    private final Linear input;
    private final Linear lowStep;
    private final Linear b;
    private final Linear c;
    private final Linear step;
    private final Linear output;
    private final CausalConvolution convolution;
    private final int inner;
    private final int stateSize;
    private final int rank;
    private final float[] a; // [chunks][stateSize, channels of the chunk]
    private final Pass.Job convolveJob = this::convolve;
    private final Pass.Job chunkJob = this::runChunks;

    public Mamba(MambaConfig config, int layer, LinearFactory linears, Workspace workspace) {
        this.config = config;
        this.layer = layer;
        input = linears.create(config.input());
        lowStep = linears.create(config.lowStep());
        b = linears.create(config.b());
        c = linears.create(config.c());
        step = linears.create(config.step());
        output = linears.create(config.output());
        convolution = new CausalConvolution(config.kernel(), config.kernelSize());
        inner = config.innerSize();
        stateSize = config.stateSize();
        rank = lowStep.outputSize();
        a = chunked();
        workspace.reserve(Buffer.MAMBA_INPUT, 2L * inner);
        workspace.reserve(Buffer.CONVOLVED, inner);
        workspace.reserve(Buffer.MAMBA_B, stateSize);
        workspace.reserve(Buffer.MAMBA_C, stateSize);
        workspace.reserve(Buffer.MAMBA_STEP, config.headCount());
        workspace.reserve(Input.MAMBA_CHANNELS, inner);
        workspace.reserve(Input.MAMBA_LOW_STEP, rank);
        workspace.reserve(Input.MIXED, inner);
    }

    private float[] chunked() {
        float[] values = new float[inner * stateSize];
        for (int channel = 0; channel < inner; channel++) {
            int first = channel / CHUNK * CHUNK;
            int width = Math.min(CHUNK, inner - first);
            for (int s = 0; s < stateSize; s++) {
                values[first * stateSize + s * width + channel - first] =
                        config.a()[channel / config.headDim() * stateSize + s];
            }
        }
        return values;
    }

    @Override
    public void run(Pass pass, MatmulInput hidden, float[] result) {
        Workspace workspace = pass.workspace;
        input.apply(pass.pool, hidden, workspace.get(Buffer.MAMBA_INPUT), 0, 2 * inner);
        pass.forEach(pass.sequences(), 1, convolveJob);
        MatmulInput channels = workspace.get(Input.MAMBA_CHANNELS);
        channels.reset(pass.rows(), inner);
        MatmulInput low = workspace.get(Input.MAMBA_LOW_STEP);
        float[] bs = workspace.get(Buffer.MAMBA_B);
        float[] cs = workspace.get(Buffer.MAMBA_C);
        channels.layers()
                .add(lowStep, low.values(), 0, rank)
                .add(b, bs, 0, stateSize)
                .add(c, cs, 0, stateSize)
                .run(pass.pool);
        if (config.lowStepNorm() != null) {
            RowNorm.applyToRows(pass, config.lowStepNorm(), low.values(), low.values(), rank);
        }
        if (config.bNorm() != null) {
            RowNorm.applyToRows(pass, config.bNorm(), bs, bs, stateSize);
        }
        if (config.cNorm() != null) {
            RowNorm.applyToRows(pass, config.cNorm(), cs, cs, stateSize);
        }
        low.reset(pass.rows(), rank);
        step.apply(pass.pool, low, workspace.get(Buffer.MAMBA_STEP), 0, config.headCount());
        pass.forEach(Math.ceilDiv(inner, CHUNK), 1, chunkJob);
        MatmulInput mixed = workspace.get(Input.MIXED);
        mixed.reset(pass.rows(), inner);
        output.apply(pass.pool, mixed, result, 0, output.outputSize());
    }

    /** Where x of a head begins in the rows of the input, and where z. */
    private int xOf(int head) {
        return config.interleaved() ? (2 * head + 1) * config.headDim() : head * config.headDim();
    }

    private int zOf(int head) {
        return config.interleaved() ? 2 * head * config.headDim() : inner + head * config.headDim();
    }

    /** The convolution of the rows of some sequences, and its SiLU. */
    private void convolve(Pass pass, int worker, int from, int to) {
        float[] xz = pass.workspace.get(Buffer.MAMBA_INPUT);
        float[] xs = pass.workspace.get(Buffer.CONVOLVED); // x, channel by channel
        float[] out = pass.workspace.get(Input.MAMBA_CHANNELS).values();
        float[] bias = config.kernelBias();
        int headDim = config.headDim();
        for (int i = from; i < to; i++) {
            for (int row = 0; row < pass.rows(); row++) {
                if (pass.sequence(row) != pass.distinctSequence(i)) {
                    continue;
                }
                int at = row * inner;
                if (config.interleaved()) {
                    for (int head = 0; head < config.headCount(); head++) {
                        System.arraycopy(xz, 2 * at + xOf(head), xs, at + head * headDim, headDim);
                    }
                } else {
                    System.arraycopy(xz, 2 * at, xs, at, inner);
                }
                convolution.step(pass.sequence(row).state(layer).convolution(pass.isFirst(row)), xs, at, out, at);
                for (int k = 0; k < inner; k++) {
                    float x = out[at + k] + (bias == null ? 0 : bias[k]);
                    out[at + k] = (float) (x / (1 + Math.exp(-x)));
                }
            }
        }
    }

    private void runChunks(Pass pass, int worker, int from, int to) {
        float[] xs = pass.workspace.get(Input.MAMBA_CHANNELS).values();
        Scratch scratch = pass.pool.scratch(worker);
        for (int chunk = from; chunk < to; chunk++) {
            int first = chunk * CHUNK;
            int width = Math.min(CHUNK, inner - first);
            for (int row = 0; row < pass.rows(); row++) {
                step(pass, row, first, width, xs, scratch.panel(width * (stateSize + 2)));
            }
        }
    }

    /**
     * One position of some channels.
     *
     * @param work [stateSize, width] for the decays, [width] for the steps, [width] for what is added
     */
    private void step(Pass pass, int row, int first, int width, float[] xs, float[] work) {
        float[] steps = pass.workspace.get(Buffer.MAMBA_STEP);
        float[] bs = pass.workspace.get(Buffer.MAMBA_B);
        float[] cs = pass.workspace.get(Buffer.MAMBA_C);
        float[] y = pass.workspace.get(Input.MIXED).values();
        int headDim = config.headDim();
        int stepAt = width * stateSize;
        int addAt = stepAt + width;
        int x = row * inner + first;
        for (int i = 0; i < width; i++) {
            double raw = steps[row * config.headCount() + (first + i) / headDim];
            work[stepAt + i] = (float) (raw > 20 ? raw : Math.log1p(Math.exp(raw)));
            work[addAt + i] = work[stepAt + i] * xs[x + i];
        }
        int base = first * stateSize;
        for (int s = 0; s < stateSize; s++) {
            for (int i = 0; i < width; i++) {
                work[s * width + i] = work[stepAt + i] * a[base + s * width + i];
            }
        }
        pass.ops.exp(work, 0, width * stateSize, 0); // steps are positive, a is not
        RecurrentState states = pass.sequence(row).state(layer);
        float[] state = states.state(pass.isFirst(row), base, width * stateSize);
        Arrays.fill(y, x, x + width, 0);
        for (int s = 0; s < stateSize; s++) {
            float toState = bs[row * stateSize + s];
            float fromState = cs[row * stateSize + s];
            int at = base + s * width;
            for (int i = 0; i < width; i++) {
                float value = state[at + i] * work[s * width + i] + work[addAt + i] * toState;
                state[at + i] = value;
                y[x + i] += value * fromState;
            }
        }
        float[] xz = pass.workspace.get(Buffer.MAMBA_INPUT);
        for (int i = 0; i < width; i++) {
            int head = (first + i) / headDim;
            float z = xz[2 * row * inner + zOf(head) + (first + i) % headDim];
            float value = y[x + i] + config.d()[head] * xs[x + i];
            y[x + i] = (float) (value * (z / (1 + Math.exp(-z))));
        }
    }
}
