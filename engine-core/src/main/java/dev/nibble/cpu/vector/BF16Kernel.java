package dev.nibble.cpu.vector;

import static dev.nibble.cpu.vector.Lanes.COUNT;

import dev.nibble.cpu.pool.Scratch;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/** Bfloat16 weights. */
final class BF16Kernel extends RowKernel {

    BF16Kernel(Tensor weight) {
        super(weight);
    }

    @Override
    void dequantize(long offset, float[] out, int outOffset, int count, Scratch scratch) {
        unpack(data, offset, out, outOffset, count);
    }

    private static void unpack(MemorySegment data, long offset, float[] out, int outOffset, int count) {
        int k = 0;
        for (; k <= count - COUNT; k += COUNT) {
            Lanes.bf16(data, offset + 2L * k).intoArray(out, outOffset + k);
        }
        for (; k < count; k++) {
            out[outOffset + k] = weight(data, offset + 2L * k);
        }
    }

    private static float weight(MemorySegment data, long at) {
        return Float.intBitsToFloat(data.get(Lanes.SHORT, at) << 16);
    }
}
