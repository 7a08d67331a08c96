package dev.nibble.tensor;

import java.util.Arrays;

/**
 * Dimensions of a tensor, one to four of them. The first is contiguous in memory, as {@code ne[0]} in ggml; a weight
 * matrix that maps k inputs to n outputs has the shape [k, n].
 */
public final class Shape {
    private final long[] dims;

    private Shape(long[] dims) {
        this.dims = dims;
    }

    /**
     * A shape with these dimensions.
     *
     * @throws IllegalArgumentException if there are none or more than four, one is negative, or the product overflows
     */
    public static Shape of(long... dims) {
        if (dims.length < 1 || dims.length > 4) {
            throw new IllegalArgumentException("a shape has 1 to 4 dimensions, not " + dims.length);
        }
        long product = 1;
        for (long dim : dims) {
            if (dim < 0) {
                throw new IllegalArgumentException("negative dimension in " + Arrays.toString(dims));
            }
            try {
                product = Math.multiplyExact(product, dim);
            } catch (ArithmeticException e) {
                throw new IllegalArgumentException("too many elements: " + Arrays.toString(dims), e);
            }
        }
        return new Shape(dims.clone());
    }

    /** Number of dimensions. */
    public int rank() {
        return dims.length;
    }

    /** Dimension {@code index}, 1 for an index beyond the rank, as in ggml. */
    public long dim(int index) {
        return index < dims.length ? dims[index] : 1;
    }

    /** The contiguous dimension. */
    public long columns() {
        return dims[0];
    }

    /** The product of all dimensions but the first. */
    public long rows() {
        long rows = 1;
        for (int i = 1; i < dims.length; i++) {
            rows *= dims[i];
        }
        return rows;
    }

    /** The product of all dimensions. */
    public long elements() {
        return columns() * rows();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Shape shape && Arrays.equals(dims, shape.dims);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(dims);
    }

    /** The dimensions in brackets, the contiguous one first: {@code [576, 49152]}. */
    @Override
    public String toString() {
        return Arrays.toString(dims);
    }
}
