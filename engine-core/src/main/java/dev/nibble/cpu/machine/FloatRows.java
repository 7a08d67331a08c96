package dev.nibble.cpu.machine;

import dev.nibble.cpu.Scratch;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Input rows as they are. */
final class FloatRows extends InputMemory {
    @Override
    long rowBytes(int columns) {
        return columns * (long) Float.BYTES;
    }

    @Override
    void write(float[] source, int offset, int columns, MemorySegment memory, long at, Scratch scratch) {
        MemorySegment.copy(source, offset, memory, ValueLayout.JAVA_FLOAT, at, columns);
    }
}
