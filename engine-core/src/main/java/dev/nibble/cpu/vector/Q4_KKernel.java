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

/** Q4_K weights: 256 elements of 4 bits, in 8 sub-blocks of 32 with a scale and a minimum of 6 bits each. */
final class Q4_KKernel extends RowKernel {
    private static final int BYTES = 144;
    private static final int MINIMUM = 2;
    private static final int SCALES = 4;
    private static final int QUANTS = 16;

    Q4_KKernel(Tensor weight) {
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
                int to = outOffset + k + 32 * (j & 6) + 16 * (j & 1);
                int s = j & 6;
                store16(low4(q), broadcast(scales[s]), broadcast(scales[s + 8]), out, to);
                store16(high4(q), broadcast(scales[s + 1]), broadcast(scales[s + 9]), out, to + 32);
            }
        }
    }

    /** scales[j] = d · scale of sub-block j, scales[8 + j] = - dmin · its minimum. */
    private static void loadScales(MemorySegment data, long at, float[] scales) {
        KScales.load(data, at + SCALES, half(data, at), -half(data, at + MINIMUM), scales);
    }
}
