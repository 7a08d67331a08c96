package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.Linear;
import dev.nibble.cpu.kernel.LinearFactory;
import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.pool.Scratch;
import dev.nibble.cpu.state.Pass;
import dev.nibble.cpu.state.Workspace;
import dev.nibble.cpu.state.Workspace.Buffer;
import dev.nibble.cpu.state.Workspace.Input;
import dev.nibble.model.FeedForward.Experts;
import dev.nibble.model.Projection;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A compiled mixture of experts. Rows are gathered by expert, so that an expert that several rows chose is multiplied
 * once with all of them.
 */
public final class MixtureOfExperts implements FeedForwardOp {
    /** Outputs that a worker computes at a time: a multiple of every kernel's tile, a few tens of microseconds. */
    private static final int OUTPUTS = 64;

    private static final float[] NONE = new float[0];

    private final Experts config;
    private final ExpertRouter router;
    private final Linear routerLinear;
    private final Linear[] gate;
    private final Linear[] up;
    private final Linear[] down;
    private final @Nullable DenseFeedForward shared;
    private final @Nullable Linear sharedGate;
    private final int hidden;
    private final int size;
    private final Pass.Job innerJob = this::computeInner;
    private final Pass.Job downJob = this::computeDown;
    private final Pass.Job combineJob = this::combineRows;
    /** Where the running pass wants the result. */
    private float[] combined = NONE;

    public MixtureOfExperts(Experts config, LinearFactory linears, Workspace workspace) {
        this.config = config;
        router = new ExpertRouter(config);
        routerLinear = linears.create(config.router());
        gate = create(config.gate(), linears);
        up = create(config.up(), linears);
        down = create(config.down(), linears);
        shared = config.shared() == null ? null : new DenseFeedForward(config.shared(), linears, workspace);
        sharedGate = config.sharedGate() == null ? null : linears.create(config.sharedGate());
        hidden = up[0].inputSize();
        size = up[0].outputSize();
        long used = config.used();
        workspace.reserve(Buffer.ROUTER, Math.max(config.router().outputSize(), 1));
        workspace.reserve(Buffer.GATE, used * size);
        workspace.reserve(Buffer.UP, used * size);
        workspace.reserve(Buffer.EXPERT, used * hidden);
        workspace.reserve(Input.GATHERED, used * hidden);
        workspace.reserve(Input.INNER, used * size);
    }

    private static Linear[] create(List<Projection> projections, LinearFactory linears) {
        return projections.stream().map(linears::create).toArray(Linear[]::new);
    }

    @Override
    public void run(Pass pass, MatmulInput input, float[] output) {
        run(pass, input, input, output);
    }

    /** Likewise with another input for the router. */
    void run(Pass pass, MatmulInput routerInput, MatmulInput input, float[] output) {
        int rows = input.rows();
        float[] logits = pass.workspace.get(Buffer.ROUTER);
        routerLinear.apply(pass.pool, routerInput, logits, 0, routerLinear.outputSize());
        router.route(logits, rows);

        int slots = rows * config.used();
        MatmulInput gathered = pass.workspace.get(Input.GATHERED);
        for (int slot = 0; slot < slots; slot++) {
            System.arraycopy(input.values(), router.row(slot) * hidden, gathered.values(), slot * hidden, hidden);
        }
        gathered.reset(slots, hidden);
        prepare(pass, gathered, gate);
        prepare(pass, gathered, up);
        pass.forEach(router.active() * chunks(size), 1, innerJob);
        MatmulInput inner = pass.workspace.get(Input.INNER);
        inner.reset(slots, size);
        prepare(pass, inner, down);
        pass.forEach(router.active() * chunks(hidden), 1, downJob);
        combine(pass, output);
        if (shared != null) {
            addShared(pass, input, output);
        }
    }

    private static int chunks(int width) {
        return (width + OUTPUTS - 1) / OUTPUTS;
    }

    private void prepare(Pass pass, MatmulInput input, Linear[] linears) {
        for (int i = 0; i < router.active(); i++) {
            linears[router.expert(i)].kernel().prepare(input, pass.pool);
        }
    }

    /** Gate, up and activation: a chunk of the inner values of an expert that some rows chose. */
    private void computeInner(Pass pass, int worker, int from, int to) {
        MatmulInput gathered = pass.workspace.get(Input.GATHERED);
        float[] gates = pass.workspace.get(Buffer.GATE);
        float[] ups = pass.workspace.get(Buffer.UP);
        float[] inner = pass.workspace.get(Input.INNER).values();
        Scratch scratch = pass.pool.scratch(worker);
        for (int item = from; item < to; item++) {
            int expert = router.expert(item / chunks(size));
            int output = item % chunks(size) * OUTPUTS;
            int end = Math.min(size, output + OUTPUTS);
            multiply(gate, expert, gathered, gates, output, end, scratch);
            multiply(up, expert, gathered, ups, output, end, scratch);
            for (int slot = router.start(expert); slot < router.start(expert + 1); slot++) {
                int at = slot * size + output;
                Gating.apply(pass.ops, config.activation(), gates, ups, at, inner, at, end - output);
            }
        }
    }

    private void computeDown(Pass pass, int worker, int from, int to) {
        MatmulInput inner = pass.workspace.get(Input.INNER);
        float[] results = pass.workspace.get(Buffer.EXPERT);
        Scratch scratch = pass.pool.scratch(worker);
        for (int item = from; item < to; item++) {
            int output = item % chunks(hidden) * OUTPUTS;
            int expert = router.expert(item / chunks(hidden));
            multiply(down, expert, inner, results, output, Math.min(hidden, output + OUTPUTS), scratch);
        }
    }

    /** Multiplies the slots of an expert with its weights. */
    private void multiply(
            Linear[] linears, int expert, MatmulInput input, float[] out, int from, int to, Scratch scratch) {
        int width = linears[expert].outputSize();
        int first = router.start(expert);
        int count = router.start(expert + 1) - first;
        linears[expert].multiply(input, first, count, out, first * width, width, from, to, scratch);
    }

    private void combine(Pass pass, float[] output) {
        combined = output;
        pass.forEach(pass.rows(), pass.rowGrain(), combineJob);
        combined = NONE; // the workspace may be given back
    }

    private void combineRows(Pass pass, int worker, int from, int to) {
        float[] results = pass.workspace.get(Buffer.EXPERT);
        float[] output = combined;
        for (int row = from; row < to; row++) {
            Arrays.fill(output, row * hidden, (row + 1) * hidden, 0);
            for (int i = 0; i < config.used(); i++) {
                pass.ops.axpy(
                        router.weight(row, i), results, router.slot(row, i) * hidden, output, row * hidden, hidden);
            }
        }
    }

    private void addShared(Pass pass, MatmulInput input, float[] output) {
        int rows = input.rows();
        float[] result = pass.workspace.get(Buffer.EXPERT);
        if (shared != null) {
            shared.run(pass, input, result);
        }
        float[] gates = pass.workspace.get(Buffer.ROUTER);
        if (sharedGate != null) {
            sharedGate.apply(pass.pool, input, gates, 0, 1);
        }
        for (int row = 0; row < rows; row++) {
            float factor = sharedGate == null ? 1 : (float) (1 / (1 + Math.exp(-gates[row])));
            pass.ops.axpy(factor, result, row * hidden, output, row * hidden, hidden);
        }
    }
}
