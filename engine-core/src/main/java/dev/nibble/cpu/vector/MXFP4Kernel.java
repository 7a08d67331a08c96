package dev.nibble.cpu.vector;

import static dev.nibble.cpu.vector.Lanes.broadcast;
import static dev.nibble.cpu.vector.Lanes.bytes;
import static dev.nibble.cpu.vector.Lanes.high4;
import static dev.nibble.cpu.vector.Lanes.low4;
import static dev.nibble.cpu.vector.Lanes.store16;

import dev.nibble.cpu.pool.Scratch;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;

/** MXFP4 weights: a power of two and 32 codes as in Q4_0, which select from the values of a 4-bit float. */
final class MXFP4Kernel extends RowKernel {
    private static final int BYTES = 17;
    private static final int QUANTS = 1;

    MXFP4Kernel(Tensor weight) {
        super(weight);
    }

    @Override
    void dequantize(long offset, float[] out, int outOffset, int count, Scratch scratch) {
        unpack(data, offset, out, outOffset, count);
    }

    private static void unpack(MemorySegment data, long at, float[] out, int outOffset, int count) {
        for (int k = 0; k < count; k += 32, at += BYTES) {
            ByteVector q = bytes(data, at + QUANTS);
            FloatVector scale = broadcast(halfPower(data.get(ValueLayout.JAVA_BYTE, at) & 0xff));
            store16(low4(q).selectFrom(Levels.E2M1_DOUBLED), scale, out, outOffset + k);
            store16(high4(q).selectFrom(Levels.E2M1_DOUBLED), scale, out, outOffset + k + 16);
        }
    }

    /** 2^(e - 128), half of what the exponent says, since the levels are doubled. */
    private static float halfPower(int e) {
        return Float.intBitsToFloat(e < 2 ? 0x00200000 << e : e - 1 << 23);
    }
}
