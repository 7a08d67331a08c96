package dev.nibble.cpu.quant;

import dev.nibble.UnsupportedModelException;
import dev.nibble.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * How one tensor type lays out its elements, and the scalar code that reads and writes them. This code is the oracle of
 * every kernel: {@link #dequantize} gives the value of each element to the last bit, and products round before sums (no
 * fused multiply-add), as ggml's reference code does.
 *
 * <p>There is one class a type, named after it, which opens with the picture of its block. Instances hold no state and
 * may be shared by all threads.
 */
public abstract class BlockFormat {
    private final DType dtype;

    BlockFormat(DType dtype) {
        this.dtype = dtype;
    }

    /**
     * The format of {@code dtype}.
     *
     * @throws UnsupportedModelException if no weight can have this type: ggml removed it, or it only ever holds
     *     activations
     */
    public static BlockFormat of(DType dtype) {
        return switch (dtype) {
            case F32 -> F32.INSTANCE;
            case F16 -> F16.INSTANCE;
            case BF16 -> BF16.INSTANCE;
            case Q4_0 -> Q4_0.INSTANCE;
            case Q4_1 -> Q4_1.INSTANCE;
            case Q8_0 -> Q8_0.INSTANCE;
            default -> throw unsupported(dtype);
        };
    }

    private static UnsupportedModelException unsupported(DType dtype) {
        return new UnsupportedModelException(
                dtype.isRemoved()
                        ? "tensor type " + dtype + " was removed from ggml: " + dtype.remedy()
                        : "tensor type " + dtype + " is not supported for weights");
    }

    /** The type this format stores. */
    public final DType dtype() {
        return dtype;
    }

    /**
     * The values of {@code count} consecutive elements of a row, rounded to float where the type is wider.
     *
     * @param data holds the blocks, little-endian, at any alignment
     * @param offset byte offset of the first block
     * @param out receives the values at {@code outOffset} and on
     * @param count a multiple of the block size
     * @throws IllegalArgumentException if {@code count} does not fill blocks
     * @throws IndexOutOfBoundsException if the blocks are not all in {@code data} or the values do not fit {@code out}
     */
    public final void dequantize(MemorySegment data, long offset, float[] out, int outOffset, int count) {
        Objects.checkFromIndexSize(offset, dtype.byteSize(count), data.byteSize());
        Objects.checkFromIndexSize(outOffset, count, out.length);
        dequantizeBlocks(data, offset, out, outOffset, count / dtype.blockSize());
    }

    /** {@link #dequantize} for {@code blocks} blocks, all within bounds. */
    abstract void dequantizeBlocks(MemorySegment data, long offset, float[] out, int outOffset, int blocks);

    /** True if {@link #quantize} is there. */
    public boolean canQuantize() {
        return true;
    }

    /**
     * Stores {@code count} values, rounded to what the type can hold.
     *
     * @param in holds the values at {@code inOffset} and on
     * @param count a multiple of the block size
     * @param out receives the blocks, from byte {@code offset} on
     * @throws IllegalArgumentException if {@code count} does not fill blocks, or a value is NaN, infinite or too large
     *     for the type (F32 and F64 store every value)
     * @throws IndexOutOfBoundsException if the values are not all in {@code in} or the blocks do not fit {@code out}
     * @throws UnsupportedOperationException if the type cannot be written, see {@link #canQuantize}
     */
    public final void quantize(float[] in, int inOffset, int count, MemorySegment out, long offset) {
        if (!canQuantize()) {
            throw new UnsupportedOperationException("there is no quantizer for " + dtype);
        }
        Objects.checkFromIndexSize(offset, dtype.byteSize(count), out.byteSize());
        Objects.checkFromIndexSize(inOffset, count, in.length);
        quantizeBlocks(in, inOffset, count / dtype.blockSize(), out, offset);
    }

    /** {@link #quantize} for {@code blocks} blocks, all within bounds. */
    void quantizeBlocks(float[] in, int inOffset, int blocks, MemorySegment out, long offset) {
        throw new UnsupportedOperationException("there is no quantizer for " + dtype);
    }

    /**
     * The inner product of {@code count} stored elements with {@code x}, summed in double: the oracle of the matmul
     * kernels, not a fast path.
     *
     * @param data holds the blocks
     * @param offset byte offset of the first block
     * @param x holds the other factor at {@code xOffset} and on
     * @param count a multiple of the block size
     * @throws IllegalArgumentException if {@code count} does not fill blocks
     * @throws IndexOutOfBoundsException if the blocks are not all in {@code data} or the factors not all in {@code x}
     */
    public final float dot(MemorySegment data, long offset, float[] x, int xOffset, int count) {
        Objects.checkFromIndexSize(offset, dtype.byteSize(count), data.byteSize());
        Objects.checkFromIndexSize(xOffset, count, x.length);
        float[] values = new float[Math.min(count, 1024)];
        double sum = 0;
        for (int done = 0; done < count; ) {
            int length = Math.min(count - done, values.length);
            dequantizeBlocks(data, offset + dtype.byteSize(done), values, 0, length / dtype.blockSize());
            for (int i = 0; i < length; i++) {
                sum += (double) values[i] * x[xOffset + done + i];
            }
            done += length;
        }
        return (float) sum;
    }

    @Override
    public final String toString() {
        return dtype.toString();
    }
}
