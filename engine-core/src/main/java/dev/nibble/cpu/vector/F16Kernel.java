package dev.nibble.cpu.vector;

import dev.nibble.cpu.pool.Scratch;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * F16 weights. The Vector API of this JDK has no half precision, but C2 turns a loop over arrays that converts into the
 * processor's instruction, so a row goes through an array of shorts and one of floats in the L1 cache.
 */
final class F16Kernel extends RowKernel {

    F16Kernel(Tensor weight) {
        super(weight);
    }

    @Override
    void dequantize(long offset, float[] out, int outOffset, int count, Scratch scratch) {
        unpack(data, offset, out, outOffset, count, scratch.halves(count));
    }

    /** Exact, for infinities and NaN, too. */
    static void unpack(MemorySegment data, long offset, float[] out, int outOffset, int count, short[] halves) {
        MemorySegment.copy(data, Lanes.SHORT, offset, halves, 0, count);
        for (int i = 0; i < count; i++) {
            out[outOffset + i] = Float.float16ToFloat(halves[i]);
        }
    }

    /** Rounds to nearest even. */
    static void pack(float[] values, int valuesOffset, int count, MemorySegment data, long offset, short[] halves) {
        for (int i = 0; i < count; i++) {
            halves[i] = Float.floatToFloat16(values[valuesOffset + i]);
        }
        MemorySegment.copy(halves, 0, data, Lanes.SHORT, offset, count);
    }
}
