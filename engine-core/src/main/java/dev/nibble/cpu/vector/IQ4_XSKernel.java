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

/** IQ4_XS weights: 8 sub-blocks of 32 codes as in IQ4_NL, with scales of 6 bits. */
final class IQ4_XSKernel extends RowKernel {
    private static final int BYTES = 136;
    private static final int HIGH_BITS = 2;
    private static final int LOW_BITS = 4;
    private static final int QUANTS = 8;

    IQ4_XSKernel(Tensor weight) {
        super(weight);
    }

    @Override
    void dequantize(long offset, float[] out, int outOffset, int count, Scratch scratch) {
        unpack(data, offset, out, outOffset, count, scratch.scales());
    }

    private static void unpack(MemorySegment data, long at, float[] out, int outOffset, int count, float[] scales) {
        for (int k = 0; k < count; k += 256, at += BYTES) {
            loadScales(data, at, scales);
            for (int j = 0; j < 8; j++) {
                ByteVector q = bytes(data, at + QUANTS + 16 * j);
                FloatVector scale = broadcast(scales[j]);
                int to = outOffset + k + 32 * j;
                store16(low4(q).selectFrom(Levels.IQ4), scale, out, to);
                store16(high4(q).selectFrom(Levels.IQ4), scale, out, to + 16);
            }
        }
    }

    /** scales[j] = d · (scale j - 32): nibble j of 4 bytes, and 2 high bits at bit 2 j of a short. */
    private static void loadScales(MemorySegment data, long at, float[] scales) {
        float d = half(data, at);
        int high = data.get(Lanes.SHORT, at + HIGH_BITS);
        int low = data.get(Lanes.INT, at + LOW_BITS);
        for (int j = 0; j < 8; j++) {
            int scale = low >>> 4 * j & 15 | (high >>> 2 * j & 3) << 4;
            scales[j] = d * (scale - 32);
        }
    }
}
