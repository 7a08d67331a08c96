package dev.nibble.cpu.vector;

import static dev.nibble.cpu.vector.Lanes.broadcast;
import static dev.nibble.cpu.vector.Lanes.bytes;
import static dev.nibble.cpu.vector.Lanes.dot16;
import static dev.nibble.cpu.vector.Lanes.half;
import static dev.nibble.cpu.vector.Lanes.high4;
import static dev.nibble.cpu.vector.Lanes.low4;
import static dev.nibble.cpu.vector.Lanes.store16;

import dev.nibble.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;

/** IQ4_NL weights: scale and 32 codes as in Q4_0, which select from a table of levels. */
final class IQ4_NLKernel extends RowKernel {
    private static final int BYTES = 18;
    private static final int QUANTS = 2;

    IQ4_NLKernel(Tensor weight) {
        super(weight);
    }

    @Override
    void dequantize(long offset, float[] out, int outOffset, int count) {
        unpack(data, offset, out, outOffset, count);
    }

    private static void unpack(MemorySegment data, long at, float[] out, int outOffset, int count) {
        for (int k = 0; k < count; k += 32, at += BYTES) {
            ByteVector q = bytes(data, at + QUANTS);
            FloatVector scale = broadcast(half(data, at));
            store16(low4(q).selectFrom(Levels.IQ4), scale, out, outOffset + k);
            store16(high4(q).selectFrom(Levels.IQ4), scale, out, outOffset + k + 16);
        }
    }

    @Override
    void multiplyRow(float[] x, int xOffset, float[] y, int yOffset, int from, int to) {
        for (int n = from; n < to; n++) {
            y[yOffset + n] = dot(data, n * rowBytes, x, xOffset, columns());
        }
    }

    private static float dot(MemorySegment data, long at, float[] x, int xOffset, int count) {
        FloatVector sum0 = FloatVector.zero(Lanes.F);
        FloatVector sum1 = sum0;
        FloatVector zero = sum0;
        for (int k = 0; k < count; k += 32, at += BYTES) {
            ByteVector q = bytes(data, at + QUANTS);
            FloatVector scale = broadcast(half(data, at));
            FloatVector products = dot16(low4(q).selectFrom(Levels.IQ4), x, xOffset + k, zero);
            products = dot16(high4(q).selectFrom(Levels.IQ4), x, xOffset + k + 16, products);
            if ((k & 32) == 0) {
                sum0 = products.fma(scale, sum0);
            } else {
                sum1 = products.fma(scale, sum1);
            }
        }
        return Lanes.sum(sum0.add(sum1));
    }
}
