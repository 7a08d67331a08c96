package dev.nibble.cpu.vector;

import static dev.nibble.cpu.vector.Lanes.broadcast;
import static dev.nibble.cpu.vector.Lanes.bytes;
import static dev.nibble.cpu.vector.Lanes.down;
import static dev.nibble.cpu.vector.Lanes.half;
import static dev.nibble.cpu.vector.Lanes.store16;
import static dev.nibble.cpu.vector.Lanes.up;

import dev.nibble.cpu.pool.Scratch;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;

/**
 * Q3_K weights: 256 elements in 16 sub-blocks with a scale of 6 bits. Two bits of each element lie as in Q2_K; bit i of
 * the first 32 bytes' byte j is the third one of element 32 i + j.
 */
final class Q3_KKernel extends RowKernel {
    private static final int BYTES = 110;
    private static final int QUANTS = 32;
    private static final int SCALES = 96;
    private static final int SCALE = 108;
    private static final ByteVector TWO_BITS = ByteVector.broadcast(Lanes.B, 3);
    private static final ByteVector THIRD = ByteVector.broadcast(Lanes.B, 4);

    Q3_KKernel(Tensor weight) {
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
                ByteVector third = bytes(data, at + 16 * c);
                for (int h = 0; h < 2; h++) {
                    ByteVector q = bytes(data, at + QUANTS + 32 * h + 16 * c);
                    int to = outOffset + k + 128 * h + 16 * c;
                    for (int j = 0; j < 4; j++) {
                        FloatVector scale = broadcast(scales[8 * h + 2 * j + c]);
                        store16(join(q, third), scale, out, to + 32 * j);
                        q = down(q, 2);
                        third = down(third, 1);
                    }
                }
            }
        }
    }

    /** Elements from bytes whose bits 0 and 1 are the low bits and bytes whose bit 0 is the high one; offset by 4. */
    private static ByteVector join(ByteVector low, ByteVector high) {
        return low.and(TWO_BITS).or(up(high, 2).and(THIRD)).sub(THIRD);
    }

    /**
     * scales[j] = d · (scale j - 32). Low nibbles: of the bytes 0-7 low, then high; high 2 bits: of scale 4 i + j the bits
     * 2 i of byte 8 + j.
     */
    private static void loadScales(MemorySegment data, long at, float[] scales) {
        long nibbles = data.get(Lanes.LONG, at + SCALES);
        int bits = data.get(Lanes.INT, at + SCALES + 8);
        long low = nibbles & 0x0f0f0f0f0f0f0f0fL | join(bits << 4 & 0x30303030, bits << 2 & 0x30303030);
        long high = nibbles >>> 4 & 0x0f0f0f0f0f0f0f0fL | join(bits & 0x30303030, bits >>> 2 & 0x30303030);
        FloatVector scale = broadcast(half(data, at + SCALE));
        store16(bytes(low, high).sub((byte) 32), scale, scales, 0);
    }

    private static long join(int low, int high) {
        return low | (long) high << 32;
    }
}
