package dev.nibble.cpu.vector;

import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.kernel.MatmulKernel;
import dev.nibble.cpu.pool.Scratch;
import dev.nibble.cpu.pool.WorkerPool;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * A weight matrix multiplied where it is mapped, with float activations; a subclass for each tensor type says how its
 * rows are read.
 *
 * <p>Up to a few input rows share each dequantized piece of a weight row, held in the L1 cache ({@link DotTile}). Many
 * rows are packed with input rows in the lanes and go through {@link Gemm}.
 */
abstract class RowKernel extends MatmulKernel {
    /** Columns dequantized at a time when there are few input rows: 8 KiB. A multiple of every block size. */
    private static final int PIECE = 2048;

    final MemorySegment data;
    final long rowBytes;
    private final DType dtype;

    RowKernel(Tensor weight) {
        super(sizeOf(weight, weight.rows(), "rows"), sizeOf(weight, weight.columns(), "columns"));
        data = weight.data();
        rowBytes = weight.rowBytes();
        dtype = weight.dtype();
    }

    /**
     * The values of {@code count} elements, whole blocks, from the byte {@code offset} of the matrix on. Called once for
     * a few hundred elements.
     */
    abstract void dequantize(long offset, float[] out, int outOffset, int count, Scratch scratch);

    @Override
    public final void prepare(MatmulInput x, WorkerPool pool) {
        if (x.rows() >= Gemm.MIN_ROWS) {
            InputPanels.pack(x, pool, InputsInLanes.class, InputsInLanes::new);
        }
    }

    @Override
    public final void multiply(
            MatmulInput x,
            int xRow,
            int xRows,
            float[] y,
            int yOffset,
            int yStride,
            int from,
            int to,
            Scratch scratch) {
        InputPanels panels = x.packed(InputsInLanes.class);
        if (xRow == 0 && xRows == x.rows() && xRows >= Gemm.MIN_ROWS && panels != null) {
            Gemm.multiply(this, panels, y, yOffset, yStride, from, to, scratch);
        } else {
            multiplyFew(x.values(), xRow * columns(), xRows, y, yOffset, yStride, from, to, scratch);
        }
    }

    /**
     * Each weight row in pieces: a piece is dequantized into the L1 cache, then multiplied with all input rows. One loop
     * that both unpacks and multiplies would save the way through the cache, but takes so many vector operations that the
     * compiler stops inlining in it and boxes vectors: measured, 6 times slower in the whole program.
     */
    private void multiplyFew(
            float[] x, int xOffset, int xRows, float[] y, int yOffset, int yStride, int from, int to, Scratch scratch) {
        int columns = columns();
        float[] piece = scratch.panel(PIECE);
        float[] sums = scratch.tile(xRows * Lanes.COUNT);
        for (int n = from; n < to; n++) {
            Arrays.fill(sums, 0, xRows * Lanes.COUNT, 0);
            for (int k = 0; k < columns; k += PIECE) {
                int count = Math.min(PIECE, columns - k);
                dequantize(n * rowBytes + dtype.byteSize(k), piece, 0, count, scratch);
                DotTile.accumulate(piece, x, xOffset + k, columns, xRows, count, sums);
            }
            for (int r = 0; r < xRows; r++) {
                y[yOffset + r * yStride + n] = Lanes.sum(Lanes.load(sums, r * Lanes.COUNT));
            }
        }
    }

    /** The byte offset of an element of a row that begins a block. */
    final long offsetOf(int row, int column) {
        return row * rowBytes + (long) column / dtype.blockSize() * dtype.blockBytes();
    }

    final DType dtype() {
        return dtype;
    }

    @Override
    public MemorySegment stream() {
        return data;
    }

    @Override
    public long streamOffset(int output) {
        return output * rowBytes;
    }

    @Override
    public String description() {
        return "vector " + Lanes.F.vectorBitSize() + " bit " + dtype + ", f32 activations";
    }
}
