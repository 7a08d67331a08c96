package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.Linear;
import dev.nibble.cpu.kernel.LinearFactory;
import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.pool.Scratch;
import dev.nibble.cpu.state.Pass;
import dev.nibble.cpu.state.Workspace;
import dev.nibble.cpu.state.Workspace.Buffer;
import dev.nibble.cpu.state.Workspace.Input;
import dev.nibble.model.FeedForward;
import org.jspecify.annotations.Nullable;

/** A compiled dense feed-forward layer: one parallel region up to the activation, one for the way down. */
public final class DenseFeedForward implements FeedForwardOp {
    private final FeedForward.Dense config;
    private final Linear up;
    private final @Nullable Linear gate;
    private final Linear down;
    private final int size;
    private final Pass.Job innerJob = this::computeInner;
    private final Pass.Job sparsifyJob = this::sparsify;

    public DenseFeedForward(FeedForward.Dense config, LinearFactory linears, Workspace workspace) {
        this.config = config;
        up = linears.create(config.up());
        gate = config.gate() == null ? null : linears.create(config.gate());
        down = linears.create(config.down());
        size = up.outputSize();
        workspace.reserve(Buffer.UP, size);
        workspace.reserve(Buffer.GATE, size);
        workspace.reserve(Input.INNER, size);
    }

    @Override
    public void run(Pass pass, float[] residual, MatmulInput x, float[] output) {
        MatmulInput inner = pass.workspace.get(Input.INNER);
        up.prepare(x, pass.pool);
        if (gate != null) {
            gate.prepare(x, pass.pool);
        }
        pass.bind(x, output);
        pass.forEachShrinking(size, Linear.GRAIN, innerJob, up.loop(x));
        if (config.sparsity() > 0) {
            pass.forEach(x.rows(), pass.rowGrain(), sparsifyJob);
        }
        if (config.innerNorm() != null) {
            RowNorm.applyToRows(pass, config.innerNorm(), inner.values(), inner.values(), size);
        }
        inner.reset(x.rows(), size);
        down.apply(pass.pool, inner, output, 0, down.outputSize());
    }

    /** A range of the inner values of all rows. */
    private void computeInner(Pass pass, int worker, int from, int to) {
        MatmulInput x = pass.input();
        float[] ups = pass.workspace.get(Buffer.UP);
        float[] gates = pass.workspace.get(Buffer.GATE);
        Scratch scratch = pass.pool.scratch(worker);
        up.multiply(x, ups, 0, size, from, to, scratch);
        if (gate != null) {
            gate.multiply(x, gates, 0, size, from, to, scratch);
        }
        if (config.sparsity() > 0) {
            return; // needs whole rows
        }
        for (int row = 0; row < x.rows(); row++) {
            activate(pass, row * size + from, to - from);
        }
    }

    private void sparsify(Pass pass, int worker, int from, int to) {
        float[] gates = pass.workspace.get(Buffer.GATE);
        for (int row = from; row < to; row++) {
            Gating.sparsify(gates, row * size, size, config.sparsity());
            activate(pass, row * size, size);
        }
    }

    private void activate(Pass pass, int at, int count) {
        Gating.apply(
                pass.ops,
                config.activation(),
                gate == null ? null : pass.workspace.get(Buffer.GATE),
                pass.workspace.get(Buffer.UP),
                at,
                pass.workspace.get(Input.INNER).values(),
                at,
                count);
    }
}
