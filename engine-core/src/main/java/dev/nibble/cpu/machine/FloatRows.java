package dev.nibble.cpu.machine;

import dev.nibble.cpu.pool.Scratch;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Input rows as they are, with zeros up to the end of the last turn of the loop over them. */
final class FloatRows extends InputMemory {
    @Override
    long rowBytes(int columns) {
        return Math.ceilDiv(columns, HalfEmitter.STEP) * (long) HalfEmitter.STEP * Float.BYTES;
    }

    @Override
    void write(float[] source, int offset, int columns, MemorySegment memory, long at, Scratch scratch) {
        MemorySegment.copy(source, offset, memory, ValueLayout.JAVA_FLOAT, at, columns);
        for (int i = columns; i % HalfEmitter.STEP != 0; i++) {
            memory.set(ValueLayout.JAVA_FLOAT, at + i * (long) Float.BYTES, 0);
        }
    }
}
