package dev.nibble.cpu.kernel;

import dev.nibble.cpu.pool.Scratch;
import dev.nibble.cpu.pool.WeightStream;
import dev.nibble.cpu.pool.WorkerPool;
import dev.nibble.tensor.Tensor;

/**
 * One weight matrix, ready to be multiplied: {@code y[m, rows] = x[m, columns] · Wᵀ}. Immutable and thread-safe.
 *
 * <p>The result does not depend on how the ranges of outputs of {@link #multiply} are cut, nor those of input rows where a kernel
 * {@link #isBatchInvariant}.
 */
public abstract class MatmulKernel implements WeightStream {
    private final int rows;
    private final int columns;

    /** A kernel for a matrix of {@code rows} outputs and {@code columns} inputs. */
    protected MatmulKernel(int rows, int columns) {
        this.rows = rows;
        this.columns = columns;
    }

    /**
     * A dimension of a weight as an int.
     *
     * @throws IllegalArgumentException naming the tensor, if it is 2^31 or more
     */
    protected static int sizeOf(Tensor weight, long size, String what) {
        if (size > Integer.MAX_VALUE) {
            throw new IllegalArgumentException(
                    weight.name() + ": a matrix with " + size + " " + what + " is too large");
        }
        return (int) size;
    }

    /** Rows of the weight matrix, the outputs. */
    @Override
    public final int rows() {
        return rows;
    }

    /** Columns of the weight matrix, the inputs. */
    public final int columns() {
        return columns;
    }

    /** Makes the packed form of {@code x} that {@link #multiply} will read, if it needs one and {@code x} lacks it. */
    public void prepare(MatmulInput x, WorkerPool pool) {}

    /**
     * Computes {@code y[yOffset + r * yStride + n]} for the input rows {@code xRow + r}, r in [0, xRows), and the
     * outputs n in [from, to). Callers that run at the same time have disjoint ranges of outputs or input rows.
     *
     * @param scratch to compute in; the caller's alone
     */
    public abstract void multiply(
            MatmulInput x, int xRow, int xRows, float[] y, int yOffset, int yStride, int from, int to, Scratch scratch);

    /** Likewise in memory for this call only: for checks. */
    public final void multiply(
            MatmulInput x, int xRow, int xRows, float[] y, int yOffset, int yStride, int from, int to) {
        try (Scratch scratch = new Scratch()) {
            multiply(x, xRow, xRows, y, yOffset, yStride, from, to, scratch);
        }
    }

    /** Bytes of the rearranged copy that the kernel keeps beside the mapped weights; 0 for none. */
    public long repackedBytes() {
        return 0;
    }

    /** Whether the result of an input row is the same to the last bit whatever rows are multiplied with it. */
    public boolean isBatchInvariant() {
        return false;
    }

    /** How it computes, in a few words, for {@code inspect} and logs. */
    public abstract String description();
}
