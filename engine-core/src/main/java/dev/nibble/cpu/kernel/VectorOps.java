package dev.nibble.cpu.kernel;

import dev.nibble.cpu.pool.Scratch;
import java.lang.foreign.MemorySegment;

/**
 * Operations on vectors of activations. Every array argument is followed by the index of its first element; arguments
 * may overlap only where they are the same elements. Sums are made with several accumulators in a fixed order: the same
 * input gives the same result.
 */
public interface VectorOps {

    /** Σ a·b. */
    float dot(float[] a, int aOffset, float[] b, int bOffset, int count);

    /** Σ x². */
    float sumOfSquares(float[] x, int offset, int count);

    /** The greatest value, negative infinity if there are none; NaN if there is one. */
    float max(float[] x, int offset, int count);

    /** {@code y += factor · x}. */
    void axpy(float factor, float[] x, int xOffset, float[] y, int yOffset, int count);

    /** {@code y += x}. */
    void add(float[] x, int xOffset, float[] y, int yOffset, int count);

    /** {@code x *= factor}. */
    void scale(float[] x, int offset, int count, float factor);

    /** {@code out = factor · in · weight}. */
    void scaleMultiply(
            float[] in,
            int inOffset,
            float factor,
            float[] weight,
            int weightOffset,
            float[] out,
            int outOffset,
            int count);

    /**
     * {@code c += a · b} for small matrices in rows: {@code c[r, j] += Σ a[r, k] · b[k, j]}. The sum of an element runs
     * over k in order and depends on no other element.
     *
     * @param rows of {@code a} and {@code c}
     * @param depth columns of {@code a}, rows of {@code b}
     * @param columns of {@code b} and {@code c}
     */
    void multiplyAdd(
            float[] a,
            int aOffset,
            int aStride,
            int rows,
            int depth,
            float[] b,
            int bOffset,
            int bStride,
            float[] c,
            int cOffset,
            int cStride,
            int columns);

    /** {@code x = exp(x - shift)}, within 2 ulp; returns their sum. The shift is at least the greatest value. */
    float exp(float[] x, int offset, int count, float shift);

    /** {@code out = gate · sigmoid(gate) · up}. */
    void siluMultiply(float[] gate, int gateOffset, float[] up, int upOffset, float[] out, int outOffset, int count);

    /** {@code out = gelu(gate) · up} with GELU in its tanh form (Hendrycks and Gimpel 2016, arXiv 1606.08415). */
    void geluTanhMultiply(
            float[] gate, int gateOffset, float[] up, int upOffset, float[] out, int outOffset, int count);

    /** Rounds to half precision, nearest even: {@code count} little-endian values from byte {@code targetOffset} on. */
    void storeF16(float[] values, int offset, int count, MemorySegment target, long targetOffset, Scratch scratch);

    /** Reads what {@link #storeF16} wrote; exact. */
    void loadF16(MemorySegment source, long sourceOffset, float[] values, int offset, int count, Scratch scratch);

    /** Rounds to Q8_0 blocks; {@code count} is a multiple of 32. */
    void storeQ8(float[] values, int offset, int count, MemorySegment target, long targetOffset);

    /** Reads what {@link #storeQ8} wrote. */
    void loadQ8(MemorySegment source, long sourceOffset, float[] values, int offset, int count);

    /**
     * Signed bytes with a scale for each column: {@code values[r, j] = source[r, j] · scales[j]}, rows without gaps.
     *
     * @param columns a multiple of 16
     */
    void loadScaledBytes(
            MemorySegment source, long sourceOffset, int rows, int columns, float[] scales, float[] values, int offset);

    /** Rounds to Q4_0 blocks; {@code count} is a multiple of 32. */
    void storeQ4(float[] values, int offset, int count, MemorySegment target, long targetOffset);

    /** Reads what {@link #storeQ4} wrote. */
    void loadQ4(MemorySegment source, long sourceOffset, float[] values, int offset, int count);

    /**
     * As {@link #loadScaledBytes} for two nibbles a byte, each 8 more than its value: the low ones are {@code rows} rows, the high ones
     * as many after them.
     */
    void loadScaledNibbles(
            MemorySegment source, long sourceOffset, int rows, int columns, float[] scales, float[] values, int offset);

    /**
     * Multiplies each run of {@code size} values with the Hadamard matrix of that size, divided by its root: a rotation, and its own
     * inverse.
     *
     * @param size a power of two
     * @param count a multiple of the size
     */
    void rotate(float[] x, int offset, int count, int size);
}
