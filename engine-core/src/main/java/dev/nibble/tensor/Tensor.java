package dev.nibble.tensor;

import dev.nibble.cpu.quant.BlockFormat;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A named, typed, shaped view of weights in mapped or off-heap memory. Nothing is copied.
 *
 * @param name the name in the file, for messages
 * @param dtype element type
 * @param shape dimensions, the contiguous one first
 * @param data exactly the bytes of the tensor, little-endian
 * @param place where the same bytes stand in a file, or null if they do in none
 */
public record Tensor(
        String name,
        DType dtype,
        Shape shape,
        MemorySegment data,
        @Nullable Place place) {

    /**
     * Where a tensor's bytes stand in a file, for backends that map them in a way of their own.
     *
     * @param file the file
     * @param offset of the first byte, from the start of the file
     */
    public record Place(Path file, long offset) {}

    public Tensor {
        long expected = byteSize(dtype, shape);
        if (data.byteSize() != expected) {
            throw new IllegalArgumentException(
                    name + ": " + dtype + " " + shape + " takes " + expected + " bytes, not " + data.byteSize());
        }
    }

    /** A tensor that stands in no file. */
    public Tensor(String name, DType dtype, Shape shape, MemorySegment data) {
        this(name, dtype, shape, data, null);
    }

    private static long byteSize(DType dtype, Shape shape) {
        return Math.multiplyExact(dtype.byteSize(shape.columns()), shape.rows());
    }

    /** Elements of a row (the contiguous dimension). */
    public long columns() {
        return shape.columns();
    }

    /** Number of rows: the product of all dimensions but the first. */
    public long rows() {
        return shape.rows();
    }

    /** Bytes of a row. */
    public long rowBytes() {
        return dtype.byteSize(shape.columns());
    }

    /**
     * A view of {@code count} consecutive rows from {@code first} as a matrix.
     *
     * @throws IndexOutOfBoundsException if the rows are not all there
     */
    public Tensor rowRange(long first, long count) {
        if (first < 0 || count < 0 || first > rows() - count) {
            throw new IndexOutOfBoundsException(name + ": rows " + first + " to " + (first + count) + " of " + rows());
        }
        long start = first * rowBytes();
        return new Tensor(
                name,
                dtype,
                Shape.of(columns(), count),
                data.asSlice(start, count * rowBytes()),
                place == null ? null : new Place(place.file(), place.offset() + start));
    }

    /**
     * Reads {@code rowCount} consecutive rows as floats, one after the other.
     *
     * @param firstRow the first row
     * @param rowCount how many rows
     * @param out receives {@code rowCount * columns()} values at {@code outOffset} and on
     * @throws IndexOutOfBoundsException if the rows are not all there or {@code out} is too short
     * @throws dev.nibble.UnsupportedModelException if the type only ever holds activations
     */
    public void dequantizeRows(long firstRow, int rowCount, float[] out, int outOffset) {
        if (firstRow < 0 || rowCount < 0 || firstRow > rows() - rowCount) {
            throw new IndexOutOfBoundsException(
                    name + ": rows " + firstRow + " to " + (firstRow + rowCount) + " of " + rows());
        }
        long count = columns() * rowCount;
        if (outOffset < 0 || count > out.length - outOffset) {
            throw new IndexOutOfBoundsException(
                    name + ": " + count + " values do not fit " + out.length + " floats from " + outOffset + " on");
        }
        BlockFormat.of(dtype).dequantize(data, firstRow * rowBytes(), out, outOffset, (int) count);
    }
}
