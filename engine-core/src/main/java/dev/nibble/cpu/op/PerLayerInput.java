package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.Linear;
import dev.nibble.cpu.kernel.LinearFactory;
import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.state.Pass;
import dev.nibble.cpu.state.Workspace;
import dev.nibble.cpu.state.Workspace.Buffer;
import dev.nibble.cpu.state.Workspace.Input;
import dev.nibble.model.BlockConfig;
import dev.nibble.model.Norm;

/** The compiled per-layer input of a block: {@code norm(projection(gelu(gate(x)) · e))}. */
public final class PerLayerInput {
    private final int layer;
    private final int layerCount;
    private final Linear gate;
    private final Linear projection;
    private final Norm norm;
    private final int width;
    private final int hidden;

    public PerLayerInput(
            BlockConfig.PerLayerInput config, int layer, int layerCount, LinearFactory linears, Workspace workspace) {
        this.layer = layer;
        this.layerCount = layerCount;
        gate = linears.create(config.gate());
        projection = linears.create(config.projection());
        norm = config.norm();
        width = gate.outputSize();
        hidden = gate.inputSize();
        workspace.reserve(Buffer.PER_LAYER_GATE, width);
        workspace.reserve(Input.PER_LAYER_INNER, width);
    }

    /** From rows in {@code input} to {@code output} [rows, hidden]. */
    void run(Pass pass, MatmulInput input, float[] output) {
        float[] gates = pass.workspace.get(Buffer.PER_LAYER_GATE);
        gate.apply(pass.pool, input, gates, 0, width);
        float[] embeddings = pass.workspace.get(Buffer.PER_LAYER); // [rows, layers, width]
        MatmulInput inner = pass.workspace.get(Input.PER_LAYER_INNER);
        for (int row = 0; row < pass.rows(); row++) {
            int at = row * width;
            int own = (row * layerCount + layer) * width;
            for (int i = 0; i < width; i++) {
                inner.values()[at + i] = Gating.geluTanh(gates[at + i]) * embeddings[own + i];
            }
        }
        inner.reset(pass.rows(), width);
        projection.apply(pass.pool, inner, output, 0, hidden);
        for (int row = 0; row < pass.rows(); row++) {
            RowNorm.apply(pass.ops, norm, output, row * hidden, output, row * hidden);
        }
    }
}
