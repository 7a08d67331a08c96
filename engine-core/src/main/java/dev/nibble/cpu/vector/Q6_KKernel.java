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

/**
 * Q6_K weights: 256 elements in 16 sub-blocks with a signed 8-bit scale. Each half of 128 has 64 bytes of low nibbles
 * (elements 0 to 63, then 64 to 127) and 32 bytes of 2 high bits (element 32 i + j: bits 2 i of byte j).
 */
final class Q6_KKernel extends RowKernel {
    private static final int BYTES = 210;
    private static final int HIGH_BITS = 128;
    private static final int SCALES = 192;
    private static final int SCALE = 208;

    Q6_KKernel(Tensor weight) {
        super(weight);
    }

    @Override
    void dequantize(long offset, float[] out, int outOffset, int count) {
        unpack(data, offset, out, outOffset, count, Scratch.current().scales());
    }

    private static void unpack(MemorySegment data, long at, float[] out, int outOffset, int count, float[] scales) {
        for (int k = 0; k < count; k += 256, at += BYTES) {
            store16(bytes(data, at + SCALES), broadcast(half(data, at + SCALE)), scales, 0);
            for (int h = 0; h < 2; h++) {
                long low = at + 64 * h;
                ByteVector q0 = bytes(data, low);
                ByteVector q1 = bytes(data, low + 16);
                ByteVector q2 = bytes(data, low + 32);
                ByteVector q3 = bytes(data, low + 48);
                ByteVector high0 = bytes(data, at + HIGH_BITS + 32 * h);
                ByteVector high1 = bytes(data, at + HIGH_BITS + 32 * h + 16);
                int to = outOffset + k + 128 * h;
                int s = 8 * h;
                store16(join(low4(q0), up(high0, 4)), broadcast(scales[s]), out, to);
                store16(join(low4(q1), up(high1, 4)), broadcast(scales[s + 1]), out, to + 16);
                store16(join(low4(q2), up(high0, 2)), broadcast(scales[s + 2]), out, to + 32);
                store16(join(low4(q3), up(high1, 2)), broadcast(scales[s + 3]), out, to + 48);
                store16(join(high4(q0), high0), broadcast(scales[s + 4]), out, to + 64);
                store16(join(high4(q1), high1), broadcast(scales[s + 5]), out, to + 80);
                store16(join(high4(q2), down(high0, 2)), broadcast(scales[s + 6]), out, to + 96);
                store16(join(high4(q3), down(high1, 2)), broadcast(scales[s + 7]), out, to + 112);
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
        FloatVector zero = sum0;
        for (int k = 0; k < count; k += 256, at += BYTES) {
            store16(bytes(data, at + SCALES), broadcast(half(data, at + SCALE)), scales, 0);
            for (int h = 0; h < 2; h++) {
                long low = at + 64 * h;
                ByteVector q0 = bytes(data, low);
                ByteVector q1 = bytes(data, low + 16);
                ByteVector q2 = bytes(data, low + 32);
                ByteVector q3 = bytes(data, low + 48);
                ByteVector high0 = bytes(data, at + HIGH_BITS + 32 * h);
                ByteVector high1 = bytes(data, at + HIGH_BITS + 32 * h + 16);
                int xAt = xOffset + k + 128 * h;
                int s = 8 * h;
                sum0 = dot16(join(low4(q0), up(high0, 4)), x, xAt, zero).fma(broadcast(scales[s]), sum0);
                sum1 = dot16(join(low4(q1), up(high1, 4)), x, xAt + 16, zero).fma(broadcast(scales[s + 1]), sum1);
                sum0 = dot16(join(low4(q2), up(high0, 2)), x, xAt + 32, zero).fma(broadcast(scales[s + 2]), sum0);
                sum1 = dot16(join(low4(q3), up(high1, 2)), x, xAt + 48, zero).fma(broadcast(scales[s + 3]), sum1);
                sum0 = dot16(join(high4(q0), high0), x, xAt + 64, zero).fma(broadcast(scales[s + 4]), sum0);
                sum1 = dot16(join(high4(q1), high1), x, xAt + 80, zero).fma(broadcast(scales[s + 5]), sum1);
                sum0 = dot16(join(high4(q2), down(high0, 2)), x, xAt + 96, zero).fma(broadcast(scales[s + 6]), sum0);
                sum1 = dot16(join(high4(q3), down(high1, 2)), x, xAt + 112, zero)
                        .fma(broadcast(scales[s + 7]), sum1);
            }
        }
        return Lanes.sum(sum0.add(sum1));
    }

    /** Elements from nibbles and from bytes whose bits 4 and 5 are the high bits; these are offset by 32. */
    private static ByteVector join(ByteVector low, ByteVector high) {
        return low.or(high.and((byte) 0x30)).sub((byte) 32);
    }
}
