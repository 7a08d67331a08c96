package dev.nibble.cpu.machine;

import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.pool.Scratch;
import dev.nibble.cpu.pool.WorkerPool;
import dev.nibble.memory.GrowingMemory;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Input rows outside the heap, where machine code reads them. */
abstract sealed class InputMemory extends MatmulInput.Packed implements WorkerPool.Job
        permits Activations, AmxRows, FloatRows {
    private static final int LINE = 64;

    private final GrowingMemory owner = new GrowingMemory();
    private MemorySegment memory = MemorySegment.NULL;
    private @Nullable WorkerPool pool;
    private float[] source = new float[0];
    private int columns;
    private long stride;

    /** Bytes that a row needs. */
    abstract long rowBytes(int columns);

    /** Rows that may be read behind the last, of any content. */
    int spareRows() {
        return 0;
    }

    /** Writes the row of the input that begins at {@code offset} to its place in the memory. */
    abstract void write(float[] source, int offset, int columns, MemorySegment memory, long at, Scratch scratch);

    /** Makes a form of the rows of {@code x} unless there is one. */
    static <T extends InputMemory> void prepare(MatmulInput x, Class<T> form, Supplier<T> create, WorkerPool pool) {
        if (x.packed(form) == null) {
            InputMemory made = x.repack(form, create);
            made.fill(x, pool);
        }
    }

    private void fill(MatmulInput x, WorkerPool workers) {
        pool = workers;
        source = x.values();
        columns = x.columns();
        // An odd number of lines, so that the columns of several rows do not meet in one set of the cache.
        stride = (Math.ceilDiv(rowBytes(columns), LINE) | 1) * LINE;
        long bytes = (x.rows() + spareRows()) * stride;
        memory = owner.ensure(bytes);
        workers.forEach(x.rows(), 1, this);
    }

    @Override
    public final void run(int worker, int from, int to) {
        Scratch scratch = Objects.requireNonNull(pool).scratch(worker);
        for (int i = from; i < to; i++) {
            write(source, i * columns, columns, memory, i * stride, scratch);
        }
    }

    /** Frees the memory. */
    @Override
    protected final void close() {
        memory = MemorySegment.NULL;
        owner.close();
    }

    /** Where a row begins. Good until other rows are written, or the input is closed. */
    final long address(int row) {
        return memory.address() + row * stride;
    }

    /** Bytes from row to row. */
    final long stride() {
        return stride;
    }
}
