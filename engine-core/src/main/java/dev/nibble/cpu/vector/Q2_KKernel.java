package dev.nibble.cpu.vector;

import static dev.nibble.cpu.vector.Lanes.broadcast;
import static dev.nibble.cpu.vector.Lanes.bytes;
import static dev.nibble.cpu.vector.Lanes.down;
import static dev.nibble.cpu.vector.Lanes.half;
import static dev.nibble.cpu.vector.Lanes.high4;
import static dev.nibble.cpu.vector.Lanes.low4;
import static dev.nibble.cpu.vector.Lanes.store16;

import dev.nibble.cpu.pool.Scratch;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;

/**
 * Q2_K weights: 256 elements of 2 bits, in 16 sub-blocks with a scale and a minimum of 4 bits each. Bits 2 i of byte j of
 * each 32 bytes are element 32 i + j.
 */
final class Q2_KKernel extends RowKernel {
    private static final int BYTES = 84;
    private static final int QUANTS = 16;
    private static final int SCALE = 80;
    private static final int MINIMUM = 82;
    private static final ByteVector TWO_BITS = ByteVector.broadcast(Lanes.B, 3);

    Q2_KKernel(Tensor weight) {
        super(weight);
    }

    @Override
    void dequantize(long offset, float[] out, int outOffset, int count, Scratch scratch) {
        unpack(data, offset, out, outOffset, count, scratch.scales());
    }

    private static void unpack(MemorySegment data, long at, float[] out, int outOffset, int count, float[] scales) {
        for (int k = 0; k < count; k += 256, at += BYTES) {
            ByteVector packed = bytes(data, at);
            store16(low4(packed), broadcast(half(data, at + SCALE)), scales, 0);
            store16(high4(packed), broadcast(-half(data, at + MINIMUM)), scales, 16);
            for (int h = 0; h < 2; h++) {
                ByteVector q0 = bytes(data, at + QUANTS + 32 * h);
                ByteVector q1 = bytes(data, at + QUANTS + 32 * h + 16);
                for (int j = 0; j < 4; j++) {
                    int s = 8 * h + 2 * j;
                    int to = outOffset + k + 128 * h + 32 * j;
                    store16(q0.and(TWO_BITS), broadcast(scales[s]), broadcast(scales[16 + s]), out, to);
                    store16(q1.and(TWO_BITS), broadcast(scales[s + 1]), broadcast(scales[16 + s + 1]), out, to + 16);
                    q0 = down(q0, 2);
                    q1 = down(q1, 2);
                }
            }
        }
    }
}
