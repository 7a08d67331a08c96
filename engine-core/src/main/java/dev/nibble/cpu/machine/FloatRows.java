package dev.nibble.cpu.machine;

import dev.nibble.cpu.MatmulInput;
import dev.nibble.cpu.WorkerPool;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Input rows as they are. */
final class FloatRows extends InputMemory {
    /** Copies the rows of {@code x} unless that is done. */
    static FloatRows copy(MatmulInput x, WorkerPool pool) {
        FloatRows present = x.packed(FloatRows.class);
        if (present != null) {
            return present;
        }
        FloatRows form = x.repack(FloatRows.class, FloatRows::new);
        form.fill(x, pool);
        return form;
    }

    @Override
    long rowBytes(int columns) {
        return columns * (long) Float.BYTES;
    }

    @Override
    void write(float[] source, int offset, int columns, MemorySegment memory, long at) {
        MemorySegment.copy(source, offset, memory, ValueLayout.JAVA_FLOAT, at, columns);
    }
}
