package dev.nibble.cpu.scalar;

import dev.nibble.cpu.kernel.VectorOps;
import dev.nibble.cpu.pool.Scratch;
import dev.nibble.cpu.quant.BlockFormat;
import dev.nibble.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** {@link VectorOps} in plain Java; transcendental functions through double. */
public final class ScalarOps implements VectorOps {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final BlockFormat Q8_0 = BlockFormat.of(DType.Q8_0);
    private static final BlockFormat Q4_0 = BlockFormat.of(DType.Q4_0);
    private static final double GELU_SCALE = 2 * Math.sqrt(2 / Math.PI);
    private static final double GELU_CUBIC = 0.044715;

    @Override
    public float dot(float[] a, int aOffset, float[] b, int bOffset, int count) {
        // four sums: additions to one would wait for each other
        float sum0 = 0;
        float sum1 = 0;
        float sum2 = 0;
        float sum3 = 0;
        int i = 0;
        for (; i < count - 3; i += 4) {
            sum0 += a[aOffset + i] * b[bOffset + i];
            sum1 += a[aOffset + i + 1] * b[bOffset + i + 1];
            sum2 += a[aOffset + i + 2] * b[bOffset + i + 2];
            sum3 += a[aOffset + i + 3] * b[bOffset + i + 3];
        }
        for (; i < count; i++) {
            sum0 += a[aOffset + i] * b[bOffset + i];
        }
        return (sum0 + sum1) + (sum2 + sum3);
    }

    @Override
    public float sumOfSquares(float[] x, int offset, int count) {
        return dot(x, offset, x, offset, count);
    }

    @Override
    public float max(float[] x, int offset, int count) {
        float max = Float.NEGATIVE_INFINITY;
        for (int i = offset; i < offset + count; i++) {
            max = Math.max(max, x[i]);
        }
        return max;
    }

    @Override
    public void axpy(float factor, float[] x, int xOffset, float[] y, int yOffset, int count) {
        for (int i = 0; i < count; i++) {
            y[yOffset + i] += factor * x[xOffset + i];
        }
    }

    @Override
    public void add(float[] x, int xOffset, float[] y, int yOffset, int count) {
        for (int i = 0; i < count; i++) {
            y[yOffset + i] += x[xOffset + i];
        }
    }

    @Override
    public void scale(float[] x, int offset, int count, float factor) {
        for (int i = offset; i < offset + count; i++) {
            x[i] *= factor;
        }
    }

    @Override
    public void scaleMultiply(
            float[] in,
            int inOffset,
            float factor,
            float[] weight,
            int weightOffset,
            float[] out,
            int outOffset,
            int count) {
        for (int i = 0; i < count; i++) {
            out[outOffset + i] = factor * in[inOffset + i] * weight[weightOffset + i];
        }
    }

    @Override
    public void multiplyAdd(
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
            int columns) {
        for (int r = 0; r < rows; r++) {
            int cAt = cOffset + r * cStride;
            for (int k = 0; k < depth; k++) {
                axpy(a[aOffset + r * aStride + k], b, bOffset + k * bStride, c, cAt, columns);
            }
        }
    }

    @Override
    public float exp(float[] x, int offset, int count, float shift) {
        double sum = 0;
        for (int i = offset; i < offset + count; i++) {
            x[i] = (float) Math.exp(x[i] - shift);
            sum += x[i];
        }
        return (float) sum;
    }

    @Override
    public void siluMultiply(
            float[] gate, int gateOffset, float[] up, int upOffset, float[] out, int outOffset, int count) {
        for (int i = 0; i < count; i++) {
            double x = gate[gateOffset + i];
            out[outOffset + i] = (float) (x / (1 + Math.exp(-x))) * up[upOffset + i];
        }
    }

    @Override
    public void geluTanhMultiply(
            float[] gate, int gateOffset, float[] up, int upOffset, float[] out, int outOffset, int count) {
        for (int i = 0; i < count; i++) {
            double x = gate[gateOffset + i];
            // 0.5 (1 + tanh(z)) is the sigmoid of 2z, which keeps its precision where tanh(z) is nearly -1
            double twice = GELU_SCALE * x * (1 + GELU_CUBIC * x * x);
            out[outOffset + i] = (float) (x / (1 + Math.exp(-twice))) * up[upOffset + i];
        }
    }

    @Override
    public void storeF16(
            float[] values, int offset, int count, MemorySegment target, long targetOffset, Scratch scratch) {
        for (int i = 0; i < count; i++) {
            target.set(SHORT, targetOffset + 2L * i, Float.floatToFloat16(values[offset + i]));
        }
    }

    @Override
    public void loadF16(
            MemorySegment source, long sourceOffset, float[] values, int offset, int count, Scratch scratch) {
        for (int i = 0; i < count; i++) {
            values[offset + i] = Float.float16ToFloat(source.get(SHORT, sourceOffset + 2L * i));
        }
    }

    @Override
    public void storeQ8(float[] values, int offset, int count, MemorySegment target, long targetOffset) {
        Q8_0.quantize(values, offset, count, target, targetOffset);
    }

    @Override
    public void loadQ8(MemorySegment source, long sourceOffset, float[] values, int offset, int count) {
        Q8_0.dequantize(source, sourceOffset, values, offset, count);
    }

    @Override
    public void loadScaledBytes(
            MemorySegment source,
            long sourceOffset,
            int rows,
            int columns,
            float[] scales,
            float[] values,
            int offset) {
        for (int r = 0; r < rows; r++) {
            for (int j = 0; j < columns; j++) {
                int i = r * columns + j;
                values[offset + i] = source.get(ValueLayout.JAVA_BYTE, sourceOffset + i) * scales[j];
            }
        }
    }

    @Override
    public void storeQ4(float[] values, int offset, int count, MemorySegment target, long targetOffset) {
        Q4_0.quantize(values, offset, count, target, targetOffset);
    }

    @Override
    public void loadQ4(MemorySegment source, long sourceOffset, float[] values, int offset, int count) {
        Q4_0.dequantize(source, sourceOffset, values, offset, count);
    }

    @Override
    public void loadScaledNibbles(
            MemorySegment source,
            long sourceOffset,
            int rows,
            int columns,
            float[] scales,
            float[] values,
            int offset) {
        for (int r = 0; r < rows; r++) {
            for (int j = 0; j < columns; j++) {
                int i = r * columns + j;
                int both = source.get(ValueLayout.JAVA_BYTE, sourceOffset + i) & 0xff;
                values[offset + i] = ((both & 15) - 8) * scales[j];
                values[offset + rows * columns + i] = ((both >> 4) - 8) * scales[j];
            }
        }
    }

    @Override
    public void rotate(float[] x, int offset, int count, int size) {
        for (int at = offset; at < offset + count; at += size) {
            for (int half = size / 2; half > 0; half /= 2) {
                addAndSubtract(x, at, size, half);
            }
        }
        scale(x, offset, count, (float) (1 / Math.sqrt(size)));
    }

    /** Replaces each pair of values that are {@code half} apart by their sum and their difference. */
    public void addAndSubtract(float[] x, int offset, int count, int half) {
        for (int i = offset; i < offset + count; i += 2 * half) {
            for (int j = i; j < i + half; j++) {
                float a = x[j];
                float b = x[j + half];
                x[j] = a + b;
                x[j + half] = a - b;
            }
        }
    }
}
