package dev.nibble.cpu.vector;

import static dev.nibble.cpu.vector.Lanes.broadcast;
import static dev.nibble.cpu.vector.Lanes.bytes;
import static dev.nibble.cpu.vector.Lanes.dot16;
import static dev.nibble.cpu.vector.Lanes.down;
import static dev.nibble.cpu.vector.Lanes.half;
import static dev.nibble.cpu.vector.Lanes.high4;
import static dev.nibble.cpu.vector.Lanes.low4;
import static dev.nibble.cpu.vector.Lanes.store16;
import static dev.nibble.cpu.vector.Lanes.up;

import dev.nibble.cpu.Scratch;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;

/** Q5_K weights: as Q4_K, with a fifth bit of each element: bit i of byte j belongs to element 32 i + j. */
final class Q5_KKernel extends RowKernel {
    private static final int BYTES = 176;
    private static final int MINIMUM = 2;
    private static final int SCALES = 4;
    private static final int FIFTH_BITS = 16;
    private static final int QUANTS = 48;
    private static final byte FIFTH = 16;

    Q5_KKernel(Tensor weight) {
        super(weight);
    }

    @Override
    void dequantize(long offset, float[] out, int outOffset, int count) {
        unpack(data, offset, out, outOffset, count, Scratch.current().scales());
    }

    private static void unpack(MemorySegment data, long at, float[] out, int outOffset, int count, float[] scales) {
        for (int k = 0; k < count; k += 256, at += BYTES) {
            loadScales(data, at, scales);
            ByteVector fifth0 = bytes(data, at + FIFTH_BITS);
            ByteVector fifth1 = bytes(data, at + FIFTH_BITS + 16);
            for (int j = 0; j < 4; j++) {
                ByteVector q0 = bytes(data, at + QUANTS + 32 * j);
                ByteVector q1 = bytes(data, at + QUANTS + 32 * j + 16);
                ByteVector low0 = low4(q0).or(up(fifth0, 4).and(FIFTH));
                ByteVector low1 = low4(q1).or(up(fifth1, 4).and(FIFTH));
                ByteVector high0 = high4(q0).or(up(fifth0, 3).and(FIFTH));
                ByteVector high1 = high4(q1).or(up(fifth1, 3).and(FIFTH));
                fifth0 = down(fifth0, 2);
                fifth1 = down(fifth1, 2);
                FloatVector scale = broadcast(scales[2 * j]);
                FloatVector minimum = broadcast(scales[8 + 2 * j]);
                int to = outOffset + k + 64 * j;
                store16(low0, scale, minimum, out, to);
                store16(low1, scale, minimum, out, to + 16);
                scale = broadcast(scales[2 * j + 1]);
                minimum = broadcast(scales[9 + 2 * j]);
                store16(high0, scale, minimum, out, to + 32);
                store16(high1, scale, minimum, out, to + 48);
            }
        }
    }

    @Override
    void multiplyRow(float[] x, int xOffset, float[] y, int yOffset, int from, int to) {
        float[] scales = Scratch.current().scales();
        for (int n = from; n < to; n++) {
            y[yOffset + n] = dot(data, n * rowBytes, x, xOffset, columns(), scales);
        }
    }

    private static float dot(MemorySegment data, long at, float[] x, int xOffset, int count, float[] scales) {
        FloatVector sum0 = FloatVector.zero(Lanes.F);
        FloatVector sum1 = sum0;
        for (int k = 0; k < count; k += 256, at += BYTES) {
            loadScales(data, at, scales);
            ByteVector fifth0 = bytes(data, at + FIFTH_BITS);
            ByteVector fifth1 = bytes(data, at + FIFTH_BITS + 16);
            for (int j = 0; j < 4; j++) {
                ByteVector q0 = bytes(data, at + QUANTS + 32 * j);
                ByteVector q1 = bytes(data, at + QUANTS + 32 * j + 16);
                ByteVector low0 = low4(q0).or(up(fifth0, 4).and(FIFTH));
                ByteVector low1 = low4(q1).or(up(fifth1, 4).and(FIFTH));
                ByteVector high0 = high4(q0).or(up(fifth0, 3).and(FIFTH));
                ByteVector high1 = high4(q1).or(up(fifth1, 3).and(FIFTH));
                fifth0 = down(fifth0, 2);
                fifth1 = down(fifth1, 2);
                FloatVector scale = broadcast(scales[2 * j]);
                FloatVector minimum = broadcast(scales[8 + 2 * j]);
                int xAt = xOffset + k + 64 * j;
                sum0 = dot16(low0, scale, minimum, x, xAt, sum0);
                sum1 = dot16(low1, scale, minimum, x, xAt + 16, sum1);
                scale = broadcast(scales[2 * j + 1]);
                minimum = broadcast(scales[9 + 2 * j]);
                sum0 = dot16(high0, scale, minimum, x, xAt + 32, sum0);
                sum1 = dot16(high1, scale, minimum, x, xAt + 48, sum1);
            }
        }
        return Lanes.sum(sum0.add(sum1));
    }

    /** scales[j] = d · scale of sub-block j, scales[8 + j] = - dmin · its minimum. */
    private static void loadScales(MemorySegment data, long at, float[] scales) {
        KScales.load(data, at + SCALES, half(data, at), -half(data, at + MINIMUM), scales);
    }
}
