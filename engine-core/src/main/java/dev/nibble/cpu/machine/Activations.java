package dev.nibble.cpu.machine;

import dev.nibble.cpu.pool.Scratch;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Input rows rounded to 8 bits, with a scale for each block of 32 columns: {@code x ≈ scale · q}, {@code scale = max|x| / 127}.
 *
 * <pre>
 * a block   byte 0     32       36              44             48       52          60
 *                | q[32] | scale | -sums of 16   | -sum of 32   | total  | totals of 16 |     total = scale · sum
 *                  int8    float   int32 [2]       int32          float    float [2]
 * </pre>
 */
final class Activations extends InputMemory {
    /** Bytes of a block: a cache line. */
    static final int BLOCK_BYTES = 64;

    static final int SCALE = 32;
    static final int MINUS_SUMS = 36;
    static final int MINUS_SUM = 44;
    static final int TOTAL = 48;
    static final int TOTALS = 52;

    @Override
    long rowBytes(int columns) {
        return columns / Form.BLOCK * (long) BLOCK_BYTES;
    }

    @Override
    void write(float[] source, int offset, int columns, MemorySegment memory, long at, Scratch scratch) {
        MemorySegment row = scratch.nativeInput(columns * Float.BYTES);
        MemorySegment.copy(source, offset, row, ValueLayout.JAVA_FLOAT, 0, columns);
        KernelCode.quantize().call(row.address(), memory.address() + at, columns / Form.BLOCK, 0, 0, 0);
    }
}
