package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.Linear;
import dev.nibble.cpu.kernel.LinearFactory;
import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.state.Pass;
import dev.nibble.model.Projection;
import java.util.List;

/** Compiled linear maps of the same shape, one for each head or group of heads. */
final class HeadMaps {
    /** Outputs of a map that a worker computes at a time, as in {@link MixtureOfExperts}. */
    private static final int OUTPUTS = 64;

    private final Linear[] maps;

    HeadMaps(List<Projection> projections, LinearFactory linears) {
        maps = projections.stream().map(linears::create).toArray(Linear[]::new);
    }

    /** Elements that a map returns. */
    int outputSize() {
        return maps[0].outputSize();
    }

    /** Multiplies the rows of each head, [heads, rows, columns], with the head's matrix; one parallel region. */
    void apply(Pass pass, MatmulInput input, float[] out, int headStride, int rowStride) {
        int rows = pass.rows();
        int width = outputSize();
        int chunks = Math.ceilDiv(width, OUTPUTS);
        for (Linear map : maps) {
            map.prepare(input, pass.pool);
        }
        pass.pool.forEach(maps.length * chunks, 1, (worker, from, to) -> {
            for (int item = from; item < to; item++) {
                int head = item / chunks;
                int first = item % chunks * OUTPUTS;
                int end = Math.min(width, first + OUTPUTS);
                maps[head].multiply(
                        input,
                        head * rows,
                        rows,
                        out,
                        head * headStride,
                        rowStride,
                        first,
                        end,
                        pass.pool.scratch(worker));
            }
        });
    }
}
