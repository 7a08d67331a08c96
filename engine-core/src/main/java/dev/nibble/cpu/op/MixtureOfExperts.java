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

    private final Experts config;
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

    public MixtureOfExperts(Experts config, LinearFactory linears, Workspace workspace) {
        this.config = config;
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
        workspace.reserve(Buffer.EXPERT_GATE, used * size);
        workspace.reserve(Buffer.EXPERT_UP, used * size);
        workspace.reserve(Buffer.EXPERT, used * hidden);
        if (shared != null) {
            workspace.reserve(Buffer.SHARED_EXPERT, hidden);
            workspace.reserve(Buffer.SHARED_GATE, 1);
        }
        workspace.reserve(Input.GATHERED, used * hidden);
        workspace.reserve(Input.INNER, used * size);
    }

    private static Linear[] create(List<Projection> projections, LinearFactory linears) {
        return projections.stream().map(linears::create).toArray(Linear[]::new);
    }

    @Override
    public void run(Pass pass, float[] residual, MatmulInput input, float[] output) {
        run(pass, residual, input, input, output);
    }

    /** Likewise with another input for the router. */
    void run(Pass pass, float[] residual, MatmulInput routerInput, MatmulInput input, float[] output) {
        int rows = input.rows();
        float[] logits = pass.workspace.get(Buffer.ROUTER);
        routerLinear.apply(pass.pool, routerInput, logits, 0, routerLinear.outputSize());
        ExpertRouter router = router(pass);
        router.route(config, logits, rows);

        int slots = rows * config.used();
        MatmulInput gathered = pass.workspace.get(Input.GATHERED);
        for (int slot = 0; slot < slots; slot++) {
            System.arraycopy(input.values(), router.row(slot) * hidden, gathered.values(), slot * hidden, hidden);
        }
        gathered.reset(slots, hidden);
        gathered.ofRows(router.rows());
        prepare(pass, router, gathered, gate);
        prepare(pass, router, gathered, up);
        pass.forEach(router.active() * chunks(size), 1, innerJob);
        MatmulInput inner = pass.workspace.get(Input.INNER);
        inner.reset(slots, size);
        inner.ofRows(router.rows());
        prepare(pass, router, inner, down);
        pass.forEach(router.active() * chunks(hidden), 1, downJob);
        pass.bind(gathered, output);
        pass.forEach(pass.rows(), pass.rowGrain(), combineJob);
        if (shared != null) {
            addShared(pass, residual, input, output);
        }
    }

    /** The choice of experts of the running pass. */
    private static ExpertRouter router(Pass pass) {
        return pass.part(ExpertRouter.class, ExpertRouter::new);
    }

    private static int chunks(int width) {
        return (width + OUTPUTS - 1) / OUTPUTS;
    }

    private static void prepare(Pass pass, ExpertRouter router, MatmulInput input, Linear[] linears) {
        for (int i = 0; i < router.active(); i++) {
            int expert = router.expert(i);
            linears[expert].prepare(input, router.start(expert), router.start(expert + 1), pass.pool);
        }
    }

    /** Gate, up and activation: a chunk of the inner values of an expert that some rows chose. */
    private void computeInner(Pass pass, int worker, int from, int to) {
        MatmulInput gathered = pass.workspace.get(Input.GATHERED);
        float[] gates = pass.workspace.get(Buffer.EXPERT_GATE);
        float[] ups = pass.workspace.get(Buffer.EXPERT_UP);
        float[] inner = pass.workspace.get(Input.INNER).values();
        ExpertRouter router = router(pass);
        Scratch scratch = pass.pool.scratch(worker);
        for (int item = from; item < to; item++) {
            int expert = router.expert(item / chunks(size));
            int output = item % chunks(size) * OUTPUTS;
            int end = Math.min(size, output + OUTPUTS);
            multiply(
                    gate[expert],
                    router.start(expert),
                    router.start(expert + 1),
                    gathered,
                    gates,
                    output,
                    end,
                    scratch);
            multiply(up[expert], router.start(expert), router.start(expert + 1), gathered, ups, output, end, scratch);
            for (int slot = router.start(expert); slot < router.start(expert + 1); slot++) {
                int at = slot * size + output;
                Gating.apply(pass.ops, config.activation(), gates, ups, at, inner, at, end - output);
            }
        }
    }

    private void computeDown(Pass pass, int worker, int from, int to) {
        MatmulInput inner = pass.workspace.get(Input.INNER);
        float[] results = pass.workspace.get(Buffer.EXPERT);
        ExpertRouter router = router(pass);
        Scratch scratch = pass.pool.scratch(worker);
        for (int item = from; item < to; item++) {
            int output = item % chunks(hidden) * OUTPUTS;
            int expert = router.expert(item / chunks(hidden));
            int end = Math.min(hidden, output + OUTPUTS);
            multiply(
                    down[expert], router.start(expert), router.start(expert + 1), inner, results, output, end, scratch);
        }
    }

    /** Multiplies slots, those of an expert, with its weights. */
    private static void multiply(
            Linear linear, int slot, int endSlot, MatmulInput input, float[] out, int from, int to, Scratch scratch) {
        int width = linear.outputSize();
        linear.multiply(input, slot, endSlot - slot, out, slot * width, width, from, to, scratch);
    }

    private void combineRows(Pass pass, int worker, int from, int to) {
        float[] results = pass.workspace.get(Buffer.EXPERT);
        float[] output = pass.output();
        ExpertRouter router = router(pass);
        for (int row = from; row < to; row++) {
            Arrays.fill(output, row * hidden, (row + 1) * hidden, 0);
            for (int i = 0; i < config.used(); i++) {
                pass.ops.axpy(
                        router.weight(row, i), results, router.slot(row, i) * hidden, output, row * hidden, hidden);
            }
        }
    }

    private void addShared(Pass pass, float[] residual, MatmulInput input, float[] output) {
        int rows = input.rows();
        float[] result = pass.workspace.get(Buffer.SHARED_EXPERT);
        if (shared != null) {
            shared.run(pass, residual, input, result);
        }
        float[] gates = pass.workspace.get(Buffer.SHARED_GATE);
        if (sharedGate != null) {
            sharedGate.apply(pass.pool, input, gates, 0, 1);
        }
        for (int row = 0; row < rows; row++) {
            float factor = sharedGate == null ? 1 : (float) (1 / (1 + Math.exp(-gates[row])));
            pass.ops.axpy(factor, result, row * hidden, output, row * hidden, hidden);
        }
    }
}
