package dev.nibble.cpu;

import org.jspecify.annotations.Nullable;

/**
 * The left side of matrix multiplications: rows of activations, and the packed forms of them that kernels make once and
 * share. Belongs to one running pass.
 */
public final class MatmulInput {

    /** A form of the values that a kernel family reads instead of them. */
    public interface Packed {}

    private final float[] values;
    private int rows;
    private int columns;
    private @Nullable Packed packed;
    private boolean isPacked;
    final LinearJob job = new LinearJob();

    /**
     * Allocates room for {@code maxRows} rows of {@code maxColumns} values, or more and shorter ones.
     *
     * @throws IllegalArgumentException if a size is negative
     * @throws ArithmeticException if the product does not fit an array
     */
    public MatmulInput(int maxRows, int maxColumns) {
        if (maxRows < 0 || maxColumns < 0) {
            throw new IllegalArgumentException("negative size: " + maxRows + " rows of " + maxColumns);
        }
        values = new float[Math.multiplyExact(maxRows, maxColumns)];
    }

    /** The values, [rows, columns] without gaps. After writing, call {@link #reset}. */
    public float[] values() {
        return values;
    }

    /** Number of rows. */
    public int rows() {
        return rows;
    }

    /** Values of a row. */
    public int columns() {
        return columns;
    }

    /**
     * Says that new values were written, in this shape. Packed forms of the old ones are dropped.
     *
     * @throws IllegalArgumentException if there is no room for them
     */
    public void reset(int rows, int columns) {
        if (rows < 0 || columns < 0 || (long) rows * columns > values.length) {
            throw new IllegalArgumentException(
                    rows + " rows of " + columns + " values do not fit an input of " + values.length + " values");
        }
        this.rows = rows;
        this.columns = columns;
        isPacked = false;
    }

    /** Memory of a packed form, kept from batch to batch; null before the first {@link #setPacked}. */
    public @Nullable Packed packed() {
        return packed;
    }

    /** Whether {@link #packed()} holds the present values. */
    public boolean isPacked() {
        return isPacked;
    }

    /** Stores the packed form of the present values. */
    public void setPacked(Packed form) {
        packed = form;
        isPacked = true;
    }
}
