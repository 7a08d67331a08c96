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
            case F64 -> F64.INSTANCE;
            case I8 -> IntegerFormat.I8;
            case I16 -> IntegerFormat.I16;
            case I32 -> IntegerFormat.I32;
            case I64 -> IntegerFormat.I64;
            case Q4_0 -> Q4_0.INSTANCE;
            case Q4_1 -> Q4_1.INSTANCE;
            case Q5_0 -> Q5_0.INSTANCE;
            case Q5_1 -> Q5_1.INSTANCE;
            case Q8_0 -> Q8_0.INSTANCE;
            case Q2_K -> Q2_K.INSTANCE;
            case Q3_K -> Q3_K.INSTANCE;
            case Q4_K -> Q4_K.INSTANCE;
            case Q5_K -> Q5_K.INSTANCE;
            case Q6_K -> Q6_K.INSTANCE;
            case IQ4_NL -> IQ4_NL.INSTANCE;
            case IQ4_XS -> IQ4_XS.INSTANCE;
            case IQ3_S -> IQ3_S.INSTANCE;
            case IQ3_XXS -> IQ3_XXS.INSTANCE;
            case IQ2_S -> IQ2_S.INSTANCE;
            case IQ2_XS -> IQ2_XS.INSTANCE;
            case IQ2_XXS -> IQ2_XXS.INSTANCE;
            case IQ1_S -> IQ1_S.INSTANCE;
            case IQ1_M -> IQ1_M.INSTANCE;
            case TQ1_0 -> TQ1_0.INSTANCE;
            case TQ2_0 -> TQ2_0.INSTANCE;
            case MXFP4 -> MXFP4.INSTANCE;
            case NVFP4 -> NVFP4.INSTANCE;
            case Q1_0 -> Q1_0.INSTANCE;
            case Q2_0 -> Q2_0.INSTANCE;
            case Q8_1, Q8_K ->
                throw new UnsupportedModelException("tensor type " + dtype
                        + " holds activations while a model runs and is never the type of a weight; the file is damaged or"
                        + " was made by a faulty converter");
            case Q4_2, Q4_3, Q4_0_4_4, Q4_0_4_8, Q4_0_8_8, IQ4_NL_4_4, IQ4_NL_4_8, IQ4_NL_8_8 ->
                throw new UnsupportedModelException(
                        "tensor type " + dtype + " was removed from ggml: " + dtype.remedy());
        };
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
        if (dtype != DType.F32 && dtype != DType.F64) {
            for (int i = 0; i < count; i++) {
                if (!Float.isFinite(in[inOffset + i])) {
                    throw new IllegalArgumentException(
                            "value " + i + " is " + in[inOffset + i] + ", which " + dtype + " cannot store");
                }
            }
        }
        quantizeBlocks(in, inOffset, count / dtype.blockSize(), out, offset);
    }

    /** {@link #quantize} for {@code blocks} blocks of finite values, all within bounds. */
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
