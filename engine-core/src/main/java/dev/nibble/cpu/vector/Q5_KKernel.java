package dev.nibble.cpu.vector;

import static dev.nibble.cpu.vector.Lanes.broadcast;
import static dev.nibble.cpu.vector.Lanes.bytes;
import static dev.nibble.cpu.vector.Lanes.down;
import static dev.nibble.cpu.vector.Lanes.half;
import static dev.nibble.cpu.vector.Lanes.high4;
import static dev.nibble.cpu.vector.Lanes.low4;
import static dev.nibble.cpu.vector.Lanes.store16;
import static dev.nibble.cpu.vector.Lanes.up;

import dev.nibble.cpu.pool.Scratch;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;

/** Q5_K weights: as Q4_K, with a fifth bit of each element: bit i of byte j belongs to element 32 i + j. */
final class Q5_KKernel extends RowKernel {
    private static final int BYTES = 176;
    private static final int MINIMUM = 2;
    private static final int SCALES = 4;
    private static final int FIFTH_BITS = 16;
    private static final int QUANTS = 48;
    private static final ByteVector FIFTH = ByteVector.broadcast(Lanes.B, 16);

    Q5_KKernel(Tensor weight) {
        super(weight);
    }

    @Override
    void dequantize(long offset, float[] out, int outOffset, int count, Scratch scratch) {
        unpack(data, offset, out, outOffset, count, scratch.scales());
    }

    private static void unpack(MemorySegment data, long at, float[] out, int outOffset, int count, float[] scales) {
        for (int k = 0; k < count; k += 256, at += BYTES) {
            loadScales(data, at, scales);
            for (int c = 0; c < 2; c++) {
                ByteVector fifth = bytes(data, at + FIFTH_BITS + 16 * c);
                for (int s = 0; s < 8; s += 2) {
                    ByteVector q = bytes(data, at + QUANTS + 16 * (s + c));
                    int to = outOffset + k + 32 * s + 16 * c;
                    ByteVector low = low4(q).or(up(fifth, 4).and(FIFTH));
                    ByteVector high = high4(q).or(up(fifth, 3).and(FIFTH));
                    store16(low, broadcast(scales[s]), broadcast(scales[s + 8]), out, to);
                    store16(high, broadcast(scales[s + 1]), broadcast(scales[s + 9]), out, to + 32);
                    fifth = down(fifth, 2);
                }
            }
        }
    }

    /** scales[j] = d · scale of sub-block j, scales[8 + j] = - dmin · its minimum. */
    private static void loadScales(MemorySegment data, long at, float[] scales) {
        KScales.load(data, at + SCALES, half(data, at), -half(data, at + MINIMUM), scales);
    }
}
