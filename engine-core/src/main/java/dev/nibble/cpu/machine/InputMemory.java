package dev.nibble.cpu.machine;

import dev.nibble.cpu.MatmulInput;
import dev.nibble.cpu.WorkerPool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.util.function.Supplier;

/** Input rows outside the heap, where machine code reads them. */
abstract sealed class InputMemory extends MatmulInput.Packed implements WorkerPool.Job permits Activations, FloatRows {
    private static final int LINE = 64;

    private MemorySegment memory = MemorySegment.NULL;
    private float[] source = new float[0];
    private int columns;
    private long stride;

    /** Bytes that a row needs. */
    abstract long rowBytes(int columns);

    /** Writes the row of the input that begins at {@code offset} to its place in the memory. */
    abstract void write(float[] source, int offset, int columns, MemorySegment memory, long at);

    /** Makes a form of the rows of {@code x} unless there is one. */
    static <T extends InputMemory> void prepare(MatmulInput x, Class<T> form, Supplier<T> create, WorkerPool pool) {
        if (x.packed(form) == null) {
            InputMemory made = x.repack(form, create);
            made.fill(x, pool);
        }
    }

    private void fill(MatmulInput x, WorkerPool pool) {
        source = x.values();
        columns = x.columns();
        // An odd number of lines, so that the columns of several rows do not meet in one set of the cache.
        stride = (Math.ceilDiv(rowBytes(columns), LINE) | 1) * LINE;
        long bytes = x.rows() * stride;
        if (memory.byteSize() < bytes) {
            memory = Arena.ofAuto().allocate(bytes, LINE);
        }
        if (x.rows() == 1) {
            run(0, 0, 1);
        } else {
            pool.forEach(x.rows(), 1, this);
        }
    }

    @Override
    public final void run(int worker, int from, int to) {
        try {
            for (int i = from; i < to; i++) {
                write(source, i * columns, columns, memory, i * stride);
            }
        } finally {
            Reference.reachabilityFence(memory);
        }
    }

    /** Where a row begins. Good as long as this object is in use. */
    final long address(int row) {
        return memory.address() + row * stride;
    }

    /** Bytes from row to row. */
    final long stride() {
        return stride;
    }
}
