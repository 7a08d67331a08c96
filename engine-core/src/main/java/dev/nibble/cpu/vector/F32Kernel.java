package dev.nibble.cpu.vector;

import static dev.nibble.cpu.vector.Lanes.COUNT;
import static dev.nibble.cpu.vector.Lanes.load;

import dev.nibble.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;

/** F32 weights. */
final class F32Kernel extends RowKernel {
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(Lanes.LE);

    F32Kernel(Tensor weight) {
        super(weight);
    }

    @Override
    void dequantize(long offset, float[] out, int outOffset, int count) {
        MemorySegment.copy(data, FLOAT, offset, out, outOffset, count);
    }

    @Override
    void multiplyRow(float[] x, int xOffset, float[] y, int yOffset, int from, int to) {
        for (int n = from; n < to; n++) {
            y[yOffset + n] = dot(data, n * rowBytes, x, xOffset, columns());
        }
    }

    private static FloatVector weights(MemorySegment data, long offset) {
        return FloatVector.fromMemorySegment(Lanes.F, data, offset, Lanes.LE);
    }

    private static float dot(MemorySegment data, long row, float[] x, int xOffset, int count) {
        FloatVector sum0 = FloatVector.zero(Lanes.F);
        FloatVector sum1 = sum0;
        FloatVector sum2 = sum0;
        FloatVector sum3 = sum0;
        int k = 0;
        for (; k <= count - 4 * COUNT; k += 4 * COUNT) {
            long at = row + 4L * k;
            int xAt = xOffset + k;
            sum0 = weights(data, at).fma(load(x, xAt), sum0);
            sum1 = weights(data, at + 4L * COUNT).fma(load(x, xAt + COUNT), sum1);
            sum2 = weights(data, at + 8L * COUNT).fma(load(x, xAt + 2 * COUNT), sum2);
            sum3 = weights(data, at + 12L * COUNT).fma(load(x, xAt + 3 * COUNT), sum3);
        }
        float rest = 0;
        for (; k < count; k++) {
            rest += data.get(FLOAT, row + 4L * k) * x[xOffset + k];
        }
        return Lanes.sum(sum0.add(sum1).add(sum2.add(sum3))) + rest;
    }
}
