package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.Linear;
import dev.nibble.cpu.kernel.LinearFactory;
import dev.nibble.cpu.kernel.LinearJob;
import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.state.Pass;
import dev.nibble.cpu.state.Workspace;
import dev.nibble.cpu.state.Workspace.Input;
import dev.nibble.model.FactoredMap;
import org.jspecify.annotations.Nullable;

/** A compiled linear map that may go through a low rank. */
final class FactoredLinear {
    private final @Nullable Linear low;
    private final Linear map;

    FactoredLinear(FactoredMap config, LinearFactory linears, Workspace workspace) {
        low = config.low() == null ? null : linears.create(config.low());
        map = linears.create(config.map());
        if (low != null) {
            workspace.reserve(Input.LOW_INPUT, low.outputSize());
        }
    }

    /** Adds the map to others of the same input, if it is one matrix; {@link #runLow} does the rest. */
    void addTo(LinearJob job, float[] out) {
        if (low == null) {
            job.add(map, out, 0, map.outputSize());
        }
    }

    /** Computes a map that goes through a low rank. */
    void runLow(Pass pass, MatmulInput input, float[] out) {
        if (low != null) {
            MatmulInput inner = pass.workspace.get(Input.LOW_INPUT);
            low.apply(pass.pool, input, inner.values(), 0, low.outputSize());
            inner.reset(pass.rows(), low.outputSize());
            map.apply(pass.pool, inner, out, 0, map.outputSize());
        }
    }
}
