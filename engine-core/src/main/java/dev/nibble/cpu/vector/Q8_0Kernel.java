package dev.nibble.cpu.vector;

import static dev.nibble.cpu.vector.Lanes.broadcast;
import static dev.nibble.cpu.vector.Lanes.bytes;
import static dev.nibble.cpu.vector.Lanes.dot16;
import static dev.nibble.cpu.vector.Lanes.half;
import static dev.nibble.cpu.vector.Lanes.store16;

import dev.nibble.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/** Q8_0 weights: scale, 32 signed bytes. */
final class Q8_0Kernel extends RowKernel {
    private static final int BYTES = 34;
    private static final int QUANTS = 2;

    Q8_0Kernel(Tensor weight) {
        super(weight);
    }

    @Override
    void dequantize(long offset, float[] out, int outOffset, int count) {
        unpack(data, offset, out, outOffset, count);
    }

    /** The values of whole blocks from byte {@code at} on. */
    static void unpack(MemorySegment data, long at, float[] out, int outOffset, int count) {
        for (int k = 0; k < count; k += 32, at += BYTES) {
            FloatVector scale = broadcast(half(data, at));
            store16(bytes(data, at + QUANTS), scale, out, outOffset + k);
            store16(bytes(data, at + QUANTS + 16), scale, out, outOffset + k + 16);
        }
    }

    @Override
    void multiplyRow(float[] x, int xOffset, float[] y, int yOffset, int from, int to) {
        for (int n = from; n < to; n++) {
            y[yOffset + n] = dot(data, n * rowBytes, x, xOffset, columns());
        }
    }

    private static float dot(MemorySegment data, long at, float[] x, int xOffset, int count) {
        FloatVector zero = FloatVector.zero(Lanes.F);
        FloatVector sum0 = zero;
        FloatVector sum1 = zero;
        int k = 0;
        for (; k <= count - 64; k += 64, at += 2 * BYTES) {
            sum0 = block(data, at, x, xOffset + k).fma(broadcast(half(data, at)), sum0);
            sum1 = block(data, at + BYTES, x, xOffset + k + 32).fma(broadcast(half(data, at + BYTES)), sum1);
        }
        if (k < count) {
            sum0 = block(data, at, x, xOffset + k).fma(broadcast(half(data, at)), sum0);
        }
        return Lanes.sum(sum0.add(sum1));
    }

    /** q · x of a block, lane by lane. */
    private static FloatVector block(MemorySegment data, long at, float[] x, int xAt) {
        FloatVector low = dot16(bytes(data, at + QUANTS), x, xAt, FloatVector.zero(Lanes.F));
        return dot16(bytes(data, at + QUANTS + 16), x, xAt + 16, low);
    }
}
