package dev.nibble.model.arch;

import dev.nibble.model.Projection;
import dev.nibble.tensor.Shape;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.stream.IntStream;

/** Takes matrices apart in which the rows of several maps lie head by head. */
final class HeadRows {
    private HeadRows() {}

    /**
     * The rows of parts that lie head by head, part after part.
     *
     * @param headRows rows of a head
     * @param parts of each part the first row within a head and the number of rows
     */
    static int[] of(int heads, int headRows, int... parts) {
        IntStream rows = IntStream.empty();
        for (int part = 0; part < parts.length; part += 2) {
            int first = parts[part];
            int count = parts[part + 1];
            rows = IntStream.concat(
                    rows, IntStream.range(0, heads * count).map(i -> i / count * headRows + first + i % count));
        }
        return rows.toArray();
    }

    /** Rows of a matrix in another order, or some of them: a copy, in the type of the matrix. */
    static Projection gather(Projection matrix, int[] rows) {
        Tensor weight = matrix.weight();
        long rowBytes = weight.rowBytes();
        MemorySegment copy = Arena.ofAuto().allocate(rows.length * rowBytes, 64);
        float[] bias = matrix.bias() == null ? null : new float[rows.length];
        for (int i = 0; i < rows.length; i++) {
            MemorySegment.copy(weight.data(), rows[i] * rowBytes, copy, i * rowBytes, rowBytes);
            if (bias != null && matrix.bias() != null) {
                bias[i] = matrix.bias()[rows[i]];
            }
        }
        Shape shape = Shape.of(weight.columns(), rows.length);
        return new Projection(new Tensor(weight.name(), weight.dtype(), shape, copy), bias, matrix.scale());
    }
}
