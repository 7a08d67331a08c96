package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.Linear;
import dev.nibble.cpu.kernel.LinearFactory;
import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.state.Pass;
import dev.nibble.cpu.state.Workspace;
import dev.nibble.cpu.state.Workspace.Input;
import dev.nibble.model.Projection;
import java.util.List;
import java.util.function.Function;

/** Compiled linear maps of the same shape, one for each head or group of heads. */
final class HeadMaps {
    /** Outputs of a map that a worker computes at a time, as in {@link MixtureOfExperts}. */
    private static final int OUTPUTS = 64;

    /** How the results are laid out, each of the width of a map. */
    enum Order {
        /** [heads, rows, width] */
        HEADS_FIRST,
        /** [rows, heads, width] */
        ROWS_FIRST
    }

    private final Linear[] maps;
    private final Input input;
    private final Function<Workspace, float[]> out;
    private final Order order;
    private final int chunks;
    private final Pass.Job multiplyJob = this::multiply;

    /**
     * @param input where the rows of each head are, [heads, rows, columns]
     * @param out where their products go
     */
    HeadMaps(
            List<Projection> projections,
            LinearFactory linears,
            Input input,
            Function<Workspace, float[]> out,
            Order order) {
        maps = projections.stream().map(linears::create).toArray(Linear[]::new);
        this.input = input;
        this.out = out;
        this.order = order;
        chunks = Math.ceilDiv(outputSize(), OUTPUTS);
    }

    /** Elements that a map returns. */
    int outputSize() {
        return maps[0].outputSize();
    }

    /** Multiplies the rows of each head with the head's matrix; one parallel region. */
    void apply(Pass pass) {
        MatmulInput rows = pass.workspace.get(input);
        for (Linear map : maps) {
            map.prepare(rows, pass.pool);
        }
        pass.forEach(maps.length * chunks, 1, multiplyJob);
    }

    private void multiply(Pass pass, int worker, int from, int to) {
        int rows = pass.rows();
        int width = outputSize();
        boolean headsFirst = order == Order.HEADS_FIRST;
        int headStride = headsFirst ? rows * width : width;
        int rowStride = headsFirst ? width : maps.length * width;
        MatmulInput heads = pass.workspace.get(input);
        float[] results = out.apply(pass.workspace);
        for (int item = from; item < to; item++) {
            int head = item / chunks;
            int first = item % chunks * OUTPUTS;
            maps[head].multiply(
                    heads,
                    head * rows,
                    rows,
                    results,
                    head * headStride,
                    rowStride,
                    first,
                    Math.min(width, first + OUTPUTS),
                    pass.pool.scratch(worker));
        }
    }
}
