package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.Linear;
import dev.nibble.cpu.kernel.LinearFactory;
import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.pool.Scratch;
import dev.nibble.cpu.state.Pass;
import dev.nibble.cpu.state.Workspace;
import dev.nibble.cpu.state.Workspace.Buffer;
import dev.nibble.cpu.state.Workspace.Input;
import dev.nibble.model.Activation;
import dev.nibble.model.Projection;
import java.util.Arrays;
import java.util.List;

/**
 * The compiled experts of a layer. Rows are gathered by expert, so that an expert that several rows chose is multiplied
 * once with all of them.
 */
final class ExpertBank {
    /** Outputs that a worker computes at a time: a multiple of every kernel's tile, a few tens of microseconds. */
    private static final int OUTPUTS = 64;

    private final Linear[] gate;
    private final Linear[] up;
    private final Linear[] down;
    private final Activation activation;
    private final boolean scalesInput;
    private final int used;
    private final int width;
    private final int size;
    private final Pass.Job innerJob = this::computeInner;
    private final Pass.Job downJob = this::computeDown;
    private final Pass.Job combineJob = this::combineRows;

    /**
     * @param gate empty for experts without a gate
     * @param used experts of a row
     * @param scalesInput whether the weights multiply what the experts read
     */
    ExpertBank(
            List<Projection> gate,
            List<Projection> up,
            List<Projection> down,
            Activation activation,
            int used,
            boolean scalesInput,
            LinearFactory linears,
            Workspace workspace) {
        this.gate = create(gate, linears);
        this.up = create(up, linears);
        this.down = create(down, linears);
        this.activation = activation;
        this.used = used;
        this.scalesInput = scalesInput;
        width = this.up[0].inputSize();
        size = this.up[0].outputSize();
        workspace.reserve(Buffer.EXPERT_GATE, (long) used * size);
        workspace.reserve(Buffer.EXPERT_UP, (long) used * size);
        workspace.reserve(Buffer.EXPERT, (long) used * width);
        workspace.reserve(Input.GATHERED, (long) used * width);
        workspace.reserve(Input.INNER, (long) used * size);
    }

    private static Linear[] create(List<Projection> projections, LinearFactory linears) {
        return projections.stream().map(linears::create).toArray(Linear[]::new);
    }

    /** Elements that an expert reads and returns. */
    int width() {
        return width;
    }

    /**
     * The weighted sums of what the routed experts return.
     *
     * @param input [rows, width]
     * @param output [rows, width]
     */
    void run(Pass pass, ExpertRouter router, float[] input, float[] output) {
        int rows = pass.rows();
        int slots = rows * used;
        MatmulInput gathered = pass.workspace.get(Input.GATHERED);
        for (int slot = 0; slot < slots; slot++) {
            System.arraycopy(input, router.row(slot) * width, gathered.values(), slot * width, width);
        }
        if (scalesInput) {
            for (int row = 0; row < rows; row++) {
                for (int i = 0; i < used; i++) {
                    pass.ops.scale(gathered.values(), router.slot(row, i) * width, width, router.weight(row, i));
                }
            }
        }
        gathered.reset(slots, width);
        gathered.ofRows(router.rows());
        prepare(pass, router, gathered, gate);
        prepare(pass, router, gathered, up);
        pass.forEach(router.active() * chunks(size), 1, innerJob);
        MatmulInput inner = pass.workspace.get(Input.INNER);
        inner.reset(slots, size);
        inner.ofRows(router.rows());
        prepare(pass, router, inner, down);
        pass.forEach(router.active() * chunks(width), 1, downJob);
        pass.bind(gathered, output);
        pass.forEach(rows, pass.rowGrain(), combineJob);
    }

    private static int chunks(int width) {
        return (width + OUTPUTS - 1) / OUTPUTS;
    }

    private static void prepare(Pass pass, ExpertRouter router, MatmulInput input, Linear[] linears) {
        for (int i = 0; linears.length > 0 && i < router.active(); i++) {
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
        ExpertRouter router = ExpertRouter.of(pass);
        Scratch scratch = pass.pool.scratch(worker);
        boolean gated = gate.length > 0;
        for (int item = from; item < to; item++) {
            int expert = router.expert(item / chunks(size));
            int output = item % chunks(size) * OUTPUTS;
            int end = Math.min(size, output + OUTPUTS);
            int first = router.start(expert);
            int last = router.start(expert + 1);
            if (gated) {
                multiply(gate[expert], first, last, gathered, gates, output, end, scratch);
            }
            multiply(up[expert], first, last, gathered, ups, output, end, scratch);
            for (int slot = first; slot < last; slot++) {
                int at = slot * size + output;
                Gating.apply(pass.ops, activation, gated ? gates : null, ups, at, inner, at, end - output);
            }
        }
    }

    private void computeDown(Pass pass, int worker, int from, int to) {
        MatmulInput inner = pass.workspace.get(Input.INNER);
        float[] results = pass.workspace.get(Buffer.EXPERT);
        ExpertRouter router = ExpertRouter.of(pass);
        Scratch scratch = pass.pool.scratch(worker);
        for (int item = from; item < to; item++) {
            int output = item % chunks(width) * OUTPUTS;
            int expert = router.expert(item / chunks(width));
            int end = Math.min(width, output + OUTPUTS);
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
        ExpertRouter router = ExpertRouter.of(pass);
        for (int row = from; row < to; row++) {
            Arrays.fill(output, row * width, (row + 1) * width, 0);
            for (int i = 0; i < used; i++) {
                float weight = scalesInput ? 1 : router.weight(row, i);
                pass.ops.axpy(weight, results, router.slot(row, i) * width, output, row * width, width);
            }
        }
    }
}
