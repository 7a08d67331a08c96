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

/** Q4_0 weights: scale, 16 bytes whose low nibbles are the elements 0 to 15 and high nibbles 16 to 31, plus 8. */
final class Q4_0Kernel extends RowKernel {
    private static final int BYTES = 18;
    private static final int QUANTS = 2;
    private static final ByteVector BIAS = ByteVector.broadcast(Lanes.B, 8);

    Q4_0Kernel(Tensor weight) {
        super(weight);
    }

    @Override
    void dequantize(long offset, float[] out, int outOffset, int count, Scratch scratch) {
        unpack(data, offset, out, outOffset, count);
    }

    /** The values of whole blocks from byte {@code at} on. */
    static void unpack(MemorySegment data, long at, float[] out, int outOffset, int count) {
        for (int k = 0; k < count; k += 32, at += BYTES) {
            FloatVector scale = broadcast(half(data, at));
            ByteVector q = bytes(data, at + QUANTS);
            store16(low4(q).sub(BIAS), scale, out, outOffset + k);
            store16(high4(q).sub(BIAS), scale, out, outOffset + k + 16);
        }
    }
}
