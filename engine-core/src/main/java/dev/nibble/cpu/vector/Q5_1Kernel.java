package dev.nibble.cpu.vector;

import static dev.nibble.cpu.vector.Lanes.broadcast;
import static dev.nibble.cpu.vector.Lanes.bytes;
import static dev.nibble.cpu.vector.Lanes.half;
import static dev.nibble.cpu.vector.Lanes.high4;
import static dev.nibble.cpu.vector.Lanes.low4;
import static dev.nibble.cpu.vector.Lanes.store16;

import dev.nibble.cpu.pool.Scratch;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;

/** Q5_1 weights: scale, minimum, the fifth bits of 32 elements, and their low nibbles as in Q4_0. */
final class Q5_1Kernel extends RowKernel {
    private static final int BYTES = 24;
    private static final int MINIMUM = 2;
    private static final int FIFTH_BITS = 4;
    private static final int QUANTS = 8;

    Q5_1Kernel(Tensor weight) {
        super(weight);
    }

    @Override
    void dequantize(long offset, float[] out, int outOffset, int count, Scratch scratch) {
        unpack(data, offset, out, outOffset, count);
    }

    private static void unpack(MemorySegment data, long at, float[] out, int outOffset, int count) {
        for (int k = 0; k < count; k += 32, at += BYTES) {
            ByteVector q = bytes(data, at + QUANTS);
            int fifth = data.get(Lanes.INT, at + FIFTH_BITS);
            FloatVector scale = broadcast(half(data, at));
            FloatVector minimum = broadcast(half(data, at + MINIMUM));
            store16(FifthBits.unsigned(low4(q), fifth), scale, minimum, out, outOffset + k);
            store16(FifthBits.unsigned(high4(q), fifth >>> 16), scale, minimum, out, outOffset + k + 16);
        }
    }
}
