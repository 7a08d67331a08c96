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

/** IQ4_NL weights: scale and 32 codes as in Q4_0, which select from a table of levels. */
final class IQ4_NLKernel extends RowKernel {
    private static final int BYTES = 18;
    private static final int QUANTS = 2;

    IQ4_NLKernel(Tensor weight) {
        super(weight);
    }

    @Override
    void dequantize(long offset, float[] out, int outOffset, int count, Scratch scratch) {
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
}
