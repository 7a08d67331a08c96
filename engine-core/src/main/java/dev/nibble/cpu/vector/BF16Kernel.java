package dev.nibble.cpu.vector;

import static dev.nibble.cpu.vector.Lanes.COUNT;
import static dev.nibble.cpu.vector.Lanes.load;

import dev.nibble.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/** Bfloat16 weights. */
final class BF16Kernel extends RowKernel {

    BF16Kernel(Tensor weight) {
        super(weight);
    }

    @Override
    void dequantize(long offset, float[] out, int outOffset, int count) {
        unpack(data, offset, out, outOffset, count);
    }

    private static void unpack(MemorySegment data, long offset, float[] out, int outOffset, int count) {
        int k = 0;
        for (; k <= count - COUNT; k += COUNT) {
            Lanes.bf16(data, offset + 2L * k).intoArray(out, outOffset + k);
        }
        for (; k < count; k++) {
            out[outOffset + k] = weight(data, offset + 2L * k);
        }
    }

    private static float weight(MemorySegment data, long at) {
        return Float.intBitsToFloat(data.get(Lanes.SHORT, at) << 16);
    }

    @Override
    void multiplyRow(float[] x, int xOffset, float[] y, int yOffset, int from, int to) {
        for (int n = from; n < to; n++) {
            y[yOffset + n] = dot(data, n * rowBytes, x, xOffset, columns());
        }
    }

    private static float dot(MemorySegment data, long row, float[] x, int xOffset, int count) {
        FloatVector sum0 = FloatVector.zero(Lanes.F);
        FloatVector sum1 = sum0;
        FloatVector sum2 = sum0;
        FloatVector sum3 = sum0;
        int k = 0;
        for (; k <= count - 4 * COUNT; k += 4 * COUNT) {
            long at = row + 2L * k;
            int xAt = xOffset + k;
            sum0 = Lanes.bf16(data, at).fma(load(x, xAt), sum0);
            sum1 = Lanes.bf16(data, at + 2L * COUNT).fma(load(x, xAt + COUNT), sum1);
            sum2 = Lanes.bf16(data, at + 4L * COUNT).fma(load(x, xAt + 2 * COUNT), sum2);
            sum3 = Lanes.bf16(data, at + 6L * COUNT).fma(load(x, xAt + 3 * COUNT), sum3);
        }
        float rest = 0;
        for (; k < count; k++) {
            rest += weight(data, row + 2L * k) * x[xOffset + k];
        }
        return Lanes.sum(sum0.add(sum1).add(sum2.add(sum3))) + rest;
    }
}
