package dev.nibble.cpu;

import dev.nibble.cpu.Workspace.Buffer;
import dev.nibble.cpu.Workspace.Input;
import dev.nibble.cpu.ops.Gating;
import dev.nibble.model.FeedForward.Experts;
import dev.nibble.model.Projection;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A compiled mixture of experts. Rows are gathered by expert, so that an expert that several rows chose is multiplied
 * once with all of them.
 */
final class MixtureOfExperts implements FeedForwardOp {
    /** Outputs that a worker computes at a time: a multiple of every kernel's tile, a few tens of microseconds. */
    private static final int OUTPUTS = 64;

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

    MixtureOfExperts(Experts config, LinearFactory linears, Workspace workspace) {
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
        float[] gates = pass.workspace.get(Buffer.GATE);
        float[] ups = pass.workspace.get(Buffer.UP);
        multiply(pass, gathered, gate, gates);
        multiply(pass, gathered, up, ups);
        MatmulInput inner = pass.workspace.get(Input.INNER);
        pass.pool.forEach(
                slots,
                pass.rowGrain(),
                (worker, from, to) -> Gating.apply(
                        pass.ops,
                        config.activation(),
                        gates,
                        ups,
                        from * size,
                        inner.values(),
                        from * size,
                        (to - from) * size));
        inner.reset(slots, size);
        float[] results = pass.workspace.get(Buffer.EXPERT);
        multiply(pass, inner, down, results);
        combine(pass, results, rows, output);
        if (shared != null) {
            addShared(pass, input, output);
        }
    }

    /** Multiplies the slots of each expert with its weights; one parallel region over all experts' outputs. */
    private void multiply(Pass pass, MatmulInput input, Linear[] linears, float[] out) {
        int width = linears[0].outputSize();
        int chunks = (width + OUTPUTS - 1) / OUTPUTS;
        for (int expert = 0; expert < linears.length; expert++) {
            if (router.start(expert) < router.start(expert + 1)) {
                linears[expert].kernel().prepare(input, pass.pool);
            }
        }
        pass.pool.forEach(linears.length * chunks, 1, (worker, from, to) -> {
            for (int item = from; item < to; item++) {
                int expert = item / chunks;
                int first = router.start(expert);
                int count = router.start(expert + 1) - first;
                if (count > 0) {
                    int output = item % chunks * OUTPUTS;
                    linears[expert].multiply(
                            input, first, count, out, first * width, width, output, Math.min(width, output + OUTPUTS));
                }
            }
        });
    }

    private void combine(Pass pass, float[] results, int rows, float[] output) {
        pass.pool.forEach(rows, pass.rowGrain(), (worker, from, to) -> {
            for (int row = from; row < to; row++) {
                Arrays.fill(output, row * hidden, (row + 1) * hidden, 0);
                for (int i = 0; i < config.used(); i++) {
                    pass.ops.axpy(
                            router.weight(row, i), results, router.slot(row, i) * hidden, output, row * hidden, hidden);
                }
            }
        });
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
