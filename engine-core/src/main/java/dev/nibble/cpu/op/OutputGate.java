package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.Linear;
import dev.nibble.cpu.kernel.LinearFactory;
import dev.nibble.cpu.kernel.LinearJob;
import dev.nibble.cpu.state.Pass;
import dev.nibble.cpu.state.Workspace;
import dev.nibble.cpu.state.Workspace.Buffer;
import dev.nibble.cpu.state.Workspace.Input;
import dev.nibble.model.AttentionConfig.Gate;
import org.jspecify.annotations.Nullable;

/** Compiled factors of what the heads of an attention return: from {@link Buffer#ATTENTION_GATE} to {@link Input#MIXED}. */
final class OutputGate {
    private final boolean sigmoid;
    private final @Nullable Linear map;
    private final int width;
    private final int each;
    private final Pass.Job rowsJob = this::apply;

    /**
     * @param width elements that all heads return
     * @param gates factors of a position
     */
    OutputGate(Gate config, int width, int gates, LinearFactory linears, Workspace workspace) {
        sigmoid = config.function() == Gate.Function.SIGMOID;
        map = config.projection() == null ? null : linears.create(config.projection());
        this.width = gates;
        each = width / gates;
        workspace.reserve(Buffer.ATTENTION_GATE, gates);
    }

    /** Whether the factors stand beside the queries, and are to be taken from there. */
    boolean isInterleaved() {
        return map == null;
    }

    /** Adds the map that makes the factors to others of the same input. */
    void addTo(LinearJob job, Pass pass) {
        if (map != null) {
            job.add(map, pass.workspace.get(Buffer.ATTENTION_GATE), 0, map.outputSize());
        }
    }

    /** Multiplies all rows. */
    void apply(Pass pass) {
        pass.forEach(pass.rows(), pass.rowGrain(), rowsJob);
    }

    private void apply(Pass pass, int worker, int from, int to) {
        float[] gates = pass.workspace.get(Buffer.ATTENTION_GATE);
        float[] mixed = pass.workspace.get(Input.MIXED).values();
        for (int i = from * width; i < to * width; i++) {
            float factor = (float) (sigmoid ? 1 / (1 + Math.exp(-gates[i])) : softplus(gates[i]));
            for (int k = i * each; k < (i + 1) * each; k++) {
                mixed[k] *= factor;
            }
        }
    }

    private static double softplus(double x) {
        return x > 20 ? x : Math.log1p(Math.exp(x));
    }
}
