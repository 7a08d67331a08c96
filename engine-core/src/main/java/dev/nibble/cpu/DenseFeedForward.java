package dev.nibble.cpu;

import dev.nibble.cpu.Workspace.Buffer;
import dev.nibble.cpu.Workspace.Input;
import dev.nibble.cpu.ops.Gating;
import dev.nibble.model.FeedForward;
import org.jspecify.annotations.Nullable;

/** A compiled dense feed-forward layer. */
final class DenseFeedForward implements FeedForwardOp {
    private final FeedForward.Dense config;
    private final Linear down;
    private final Linear[] inputs;
    private final float[][] targets;
    private final int[] offsets;
    private final int[] strides;
    private final int size;

    DenseFeedForward(FeedForward.Dense config, LinearFactory linears, Workspace workspace) {
        this.config = config;
        Linear up = linears.create(config.up());
        @Nullable Linear gate = config.gate() == null ? null : linears.create(config.gate());
        down = linears.create(config.down());
        inputs = gate == null ? new Linear[] {up} : new Linear[] {up, gate};
        targets = new float[inputs.length][];
        offsets = new int[inputs.length];
        strides = new int[inputs.length];
        size = up.outputSize();
        java.util.Arrays.fill(strides, size);
        workspace.reserve(Buffer.UP, size);
        workspace.reserve(Buffer.GATE, size);
        workspace.reserve(Input.INNER, size);
    }

    @Override
    public void run(Pass pass, MatmulInput input, float[] output) {
        float[] up = pass.workspace.get(Buffer.UP);
        float[] gate = pass.workspace.get(Buffer.GATE);
        MatmulInput inner = pass.workspace.get(Input.INNER);
        int rows = input.rows();
        targets[0] = up;
        if (inputs.length == 2) {
            targets[1] = gate;
        }
        Linear.applyAll(pass.pool, input, inputs, targets, offsets, strides);
        float[] product = inner.values();
        pass.pool.forEach(rows, pass.rowGrain(), (worker, from, to) -> {
            for (int row = from; row < to; row++) {
                if (config.sparsity() > 0) {
                    Gating.sparsify(gate, row * size, size, config.sparsity());
                }
                Gating.apply(
                        pass.ops,
                        config.activation(),
                        config.gate() == null ? null : gate,
                        up,
                        row * size,
                        product,
                        row * size,
                        size);
            }
        });
        inner.reset(rows, size);
        down.apply(pass.pool, inner, output, 0, down.outputSize());
    }
}
