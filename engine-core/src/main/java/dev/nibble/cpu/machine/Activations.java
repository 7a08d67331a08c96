package dev.nibble.cpu.machine;

import dev.nibble.cpu.MatmulInput;
import dev.nibble.cpu.WorkerPool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.ref.Reference;

/**
 * Input rows rounded to 8 bits, with a scale for each block of 32 columns: {@code x ≈ scale · q}, {@code scale = max|x| / 127}.
 * They lie outside the heap, where machine code reads them.
 *
 * <pre>
 * a block   byte 0     32       36              44             48       52          60
 *                | q[32] | scale | -sums of 16   | -sum of 32   | total  | totals of 16 |     total = scale · sum
 *                  int8    float   int32 [2]       int32          float    float [2]
 * </pre>
 */
final class Activations extends MatmulInput.Packed implements WorkerPool.Job {
    /** Bytes of a block: a cache line. */
    static final int BLOCK_BYTES = 64;

    static final int SCALE = 32;
    static final int MINUS_SUMS = 36;
    static final int MINUS_SUM = 44;
    static final int TOTAL = 48;
    static final int TOTALS = 52;

    private MemorySegment memory = MemorySegment.NULL;
    private float[] source = new float[0];
    private int columns;
    private long stride;

    /** Packs the rows of {@code x} unless that is done. */
    static Activations pack(MatmulInput x, WorkerPool pool) {
        Activations present = x.packed(Activations.class);
        if (present != null) {
            return present;
        }
        Activations form = x.repack(Activations.class, Activations::new);
        form.fill(x, pool);
        return form;
    }

    private void fill(MatmulInput x, WorkerPool pool) {
        source = x.values();
        columns = x.columns();
        // An odd number of lines, so that the blocks of several rows do not meet in one set of the cache.
        stride = (columns / Form.BLOCK | 1) * (long) BLOCK_BYTES;
        long bytes = x.rows() * stride;
        if (memory.byteSize() < bytes) {
            memory = Arena.ofAuto().allocate(bytes, BLOCK_BYTES);
        }
        if (x.rows() == 1) {
            run(0, 0, 1);
        } else {
            pool.forEach(x.rows(), 1, this);
        }
    }

    @Override
    public void run(int worker, int from, int to) {
        MemorySegment row = ThreadMemory.current().input(columns * Float.BYTES);
        try {
            for (int i = from; i < to; i++) {
                MemorySegment.copy(source, i * columns, row, ValueLayout.JAVA_FLOAT, 0, columns);
                KernelCode.quantize().call(row.address(), address(i), columns / Form.BLOCK, 0, 0, 0);
            }
        } finally {
            Reference.reachabilityFence(row);
            Reference.reachabilityFence(memory);
        }
    }

    /** Where the blocks of a row begin. Good as long as this object is in use. */
    long address(int row) {
        return memory.address() + row * stride;
    }

    /** Bytes from row to row. */
    long stride() {
        return stride;
    }
}
