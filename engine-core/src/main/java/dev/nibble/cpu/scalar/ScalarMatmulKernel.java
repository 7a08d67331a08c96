package dev.nibble.cpu.scalar;

import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.kernel.MatmulKernel;
import dev.nibble.cpu.kernel.VectorOps;
import dev.nibble.cpu.pool.Scratch;
import dev.nibble.cpu.quant.BlockFormat;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/** Dequantizes a row of weights and takes its dot product with each input row. */
final class ScalarMatmulKernel extends MatmulKernel {
    private final BlockFormat format;
    private final MemorySegment data;
    private final long rowBytes;
    private final VectorOps ops;

    ScalarMatmulKernel(Tensor weight, VectorOps ops) {
        super(sizeOf(weight, weight.rows(), "rows"), sizeOf(weight, weight.columns(), "columns"));
        format = BlockFormat.of(weight.dtype());
        data = weight.data();
        rowBytes = weight.rowBytes();
        this.ops = ops;
    }

    @Override
    public void multiply(
            MatmulInput x,
            int xRow,
            int xRows,
            float[] y,
            int yOffset,
            int yStride,
            int from,
            int to,
            Scratch scratch) {
        int columns = columns();
        float[] values = x.values();
        float[] row = scratch.panel(columns);
        for (int n = from; n < to; n++) {
            format.dequantize(data, n * rowBytes, row, 0, columns);
            for (int r = 0; r < xRows; r++) {
                y[yOffset + r * yStride + n] = ops.dot(values, (xRow + r) * columns, row, 0, columns);
            }
        }
    }

    @Override
    public MemorySegment stream() {
        return data;
    }

    @Override
    public long streamOffset(int output) {
        return output * rowBytes;
    }

    @Override
    public String description() {
        return "scalar " + format.dtype();
    }
}
