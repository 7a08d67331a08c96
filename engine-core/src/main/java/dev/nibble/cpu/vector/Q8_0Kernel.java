package dev.nibble.cpu.vector;

import static dev.nibble.cpu.vector.Lanes.broadcast;
import static dev.nibble.cpu.vector.Lanes.bytes;
import static dev.nibble.cpu.vector.Lanes.half;
import static dev.nibble.cpu.vector.Lanes.store16;

import dev.nibble.cpu.pool.Scratch;
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
    void dequantize(long offset, float[] out, int outOffset, int count, Scratch scratch) {
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
}
