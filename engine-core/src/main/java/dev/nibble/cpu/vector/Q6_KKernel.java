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

/**
 * Q6_K weights: 256 elements in 16 sub-blocks with a signed 8-bit scale. Each half of 128 has 64 bytes of low nibbles
 * (elements 0 to 63, then 64 to 127) and 32 bytes of 2 high bits (element 32 i + j: bits 2 i of byte j).
 */
final class Q6_KKernel extends RowKernel {
    private static final int BYTES = 210;
    private static final int HIGH_BITS = 128;
    private static final int SCALES = 192;
    private static final int SCALE = 208;
    private static final ByteVector HIGH = ByteVector.broadcast(Lanes.B, 0x30);
    private static final ByteVector BIAS = ByteVector.broadcast(Lanes.B, 32);

    Q6_KKernel(Tensor weight) {
        super(weight);
    }

    @Override
    void dequantize(long offset, float[] out, int outOffset, int count, Scratch scratch) {
        unpack(data, offset, out, outOffset, count, scratch.scales());
    }

    private static void unpack(MemorySegment data, long at, float[] out, int outOffset, int count, float[] scales) {
        for (int k = 0; k < count; k += 256, at += BYTES) {
            store16(bytes(data, at + SCALES), broadcast(half(data, at + SCALE)), scales, 0);
            for (int g = 0; g < 4; g++) {
                // 16 columns of bytes: of the half g / 2, the even or odd ones
                long low = at + 32 * (g & 2) + 16 * (g & 1);
                ByteVector high = bytes(data, at + HIGH_BITS + 16 * g);
                int to = outOffset + k + 64 * (g & 2) + 16 * (g & 1);
                int s = 4 * (g & 2) + (g & 1);
                for (int i = 0; i < 2; i++) {
                    ByteVector q = bytes(data, low + 32 * i);
                    store16(join(low4(q), up(high, 4)), broadcast(scales[s + 2 * i]), out, to + 32 * i);
                    store16(join(high4(q), high), broadcast(scales[s + 2 * i + 4]), out, to + 32 * i + 64);
                    high = down(high, 2);
                }
            }
        }
    }

    /** Elements from nibbles and from bytes whose bits 4 and 5 are the high bits; these are offset by 32. */
    private static ByteVector join(ByteVector low, ByteVector high) {
        return low.or(high.and(HIGH)).sub(BIAS);
    }
}
