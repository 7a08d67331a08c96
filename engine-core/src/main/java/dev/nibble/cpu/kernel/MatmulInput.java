package dev.nibble.cpu.kernel;

import java.util.Arrays;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The left side of matrix multiplications: rows of activations, and the packed forms of them that kernels make once and
 * share. Belongs to one running pass.
 */
public final class MatmulInput implements AutoCloseable {

    /** A form of the values that kernels read instead of them; its memory is kept from batch to batch. */
    public abstract static class Packed {
        /** The values it holds, as {@link MatmulInput#version} counts them. */
        private long version = -1;

        /** Frees what lies outside the heap, where it has any; the form may be filled again. */
        protected void close() {}
    }

    private final float[] values;
    private int rows;
    private int columns;
    private long version;
    private Packed[] forms = new Packed[0];
    private final LinearJob job = new LinearJob(this);
    private final @Nullable RowAdapters adapters;
    private final @Nullable LowRankInput lowRank;
    private int @Nullable [] batchRows; // of each row, null where they are the same

    /**
     * Allocates room for {@code maxRows} rows of {@code maxColumns} values, or more and shorter ones.
     *
     * @throws IllegalArgumentException if a size is negative
     * @throws ArithmeticException if the product does not fit an array
     */
    public MatmulInput(int maxRows, int maxColumns) {
        this(maxRows, maxColumns, null);
    }

    /** Likewise for rows that may use adapters. */
    public MatmulInput(int maxRows, int maxColumns, @Nullable RowAdapters adapters) {
        this.adapters = adapters;
        lowRank = adapters == null ? null : new LowRankInput(this, adapters);
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
     * Says that new values were written, in this shape: a row for each row of the batch, unless {@link #ofRows} follows.
     * Packed forms of the old ones are dropped.
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
        batchRows = null;
        version++;
    }

    /** Says to which row of the batch each row belongs; the array stays as it is while the values are used. */
    public void ofRows(int[] rowsOfBatch) {
        batchRows = rowsOfBatch;
    }

    /** The row of the batch that a row belongs to. */
    int batchRow(int row) {
        return batchRows == null ? row : batchRows[row];
    }

    /** What adapters make of the values, null if none of the rows uses one. */
    @Nullable LowRankInput lowRank() {
        return adapters != null && adapters.any() ? lowRank : null;
    }

    /** Counts how often there were new values. */
    long version() {
        return version;
    }

    /** The layers that are to be multiplied with these values in one parallel region, none at first; for one region at a time. */
    public LinearJob layers() {
        return job.start();
    }

    /** The form of a class that holds the present values, null if there is none. */
    public <T extends Packed> @Nullable T packed(Class<T> form) {
        T present = find(form);
        return present != null && ((Packed) present).version == version ? present : null;
    }

    /** The form of a class, to be filled with the present values, as from now it counts as holding them. */
    public <T extends Packed> T repack(Class<T> form, Supplier<T> create) {
        T present = find(form);
        if (present == null) {
            present = create.get();
            forms = Arrays.copyOf(forms, forms.length + 1);
            forms[forms.length - 1] = present;
        }
        ((Packed) present).version = version;
        return present;
    }

    /** Drops the packed forms, and frees what they have outside the heap. */
    @Override
    public void close() {
        version++;
        for (Packed form : forms) {
            form.close();
        }
        if (lowRank != null) {
            lowRank.close();
        }
    }

    private <T extends Packed> @Nullable T find(Class<T> form) {
        for (Packed present : forms) {
            if (present.getClass() == form) {
                return form.cast(present);
            }
        }
        return null;
    }
}
