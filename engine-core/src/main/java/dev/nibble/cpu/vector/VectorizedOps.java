package dev.nibble.cpu.vector;

import static dev.nibble.cpu.vector.Lanes.COUNT;
import static dev.nibble.cpu.vector.Lanes.F;
import static dev.nibble.cpu.vector.Lanes.broadcast;
import static dev.nibble.cpu.vector.Lanes.load;

import dev.nibble.cpu.Scratch;
import dev.nibble.cpu.VectorOps;
import dev.nibble.cpu.scalar.ScalarOps;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;

/** {@link VectorOps} on vectors; what is left at the end of an array goes through the scalar code. */
final class VectorizedOps implements VectorOps {
    // 2 sqrt(2/π) and its product with the cubic coefficient: gelu(x) = x · sigmoid(2 sqrt(2/π) (x + 0.044715 x³))
    private static final float GELU_LINEAR = 1.5957692f;
    private static final float GELU_CUBIC = 0.071354814f;

    /** Bytes that are loaded at a time. */
    private static final int UNIT = 16;

    private static final VectorShuffle<Byte> FROM_4 = VectorShuffle.iota(Lanes.B, 4, 1, true);
    private static final VectorShuffle<Byte> FROM_8 = VectorShuffle.iota(Lanes.B, 8, 1, true);
    private static final VectorShuffle<Byte> FROM_12 = VectorShuffle.iota(Lanes.B, 12, 1, true);

    private final ScalarOps scalar = new ScalarOps();

    private static int whole(int count) {
        return count & -COUNT;
    }

    @Override
    public float dot(float[] a, int aOffset, float[] b, int bOffset, int count) {
        FloatVector sum0 = FloatVector.zero(F);
        FloatVector sum1 = sum0;
        FloatVector sum2 = sum0;
        FloatVector sum3 = sum0;
        int i = 0;
        for (; i <= count - 4 * COUNT; i += 4 * COUNT) {
            sum0 = load(a, aOffset + i).fma(load(b, bOffset + i), sum0);
            sum1 = load(a, aOffset + i + COUNT).fma(load(b, bOffset + i + COUNT), sum1);
            sum2 = load(a, aOffset + i + 2 * COUNT).fma(load(b, bOffset + i + 2 * COUNT), sum2);
            sum3 = load(a, aOffset + i + 3 * COUNT).fma(load(b, bOffset + i + 3 * COUNT), sum3);
        }
        for (; i <= count - COUNT; i += COUNT) {
            sum0 = load(a, aOffset + i).fma(load(b, bOffset + i), sum0);
        }
        float rest = 0;
        for (; i < count; i++) {
            rest += a[aOffset + i] * b[bOffset + i];
        }
        return Lanes.sum(sum0.add(sum1).add(sum2.add(sum3))) + rest;
    }

    @Override
    public float sumOfSquares(float[] x, int offset, int count) {
        return dot(x, offset, x, offset, count);
    }

    @Override
    public float max(float[] x, int offset, int count) {
        int whole = whole(count);
        float max = Float.NEGATIVE_INFINITY;
        if (whole > 0) {
            FloatVector greatest = load(x, offset);
            for (int i = COUNT; i < whole; i += COUNT) {
                greatest = greatest.max(load(x, offset + i));
            }
            max = greatest.reduceLanes(VectorOperators.MAX);
        }
        return Math.max(max, scalar.max(x, offset + whole, count - whole));
    }

    @Override
    public void axpy(float factor, float[] x, int xOffset, float[] y, int yOffset, int count) {
        FloatVector f = broadcast(factor);
        int whole = whole(count);
        for (int i = 0; i < whole; i += COUNT) {
            load(x, xOffset + i).fma(f, load(y, yOffset + i)).intoArray(y, yOffset + i);
        }
        for (int i = whole; i < count; i++) {
            y[yOffset + i] += factor * x[xOffset + i];
        }
    }

    @Override
    public void add(float[] x, int xOffset, float[] y, int yOffset, int count) {
        int whole = whole(count);
        for (int i = 0; i < whole; i += COUNT) {
            load(x, xOffset + i).add(load(y, yOffset + i)).intoArray(y, yOffset + i);
        }
        scalar.add(x, xOffset + whole, y, yOffset + whole, count - whole);
    }

    @Override
    public void scale(float[] x, int offset, int count, float factor) {
        int whole = whole(count);
        for (int i = 0; i < whole; i += COUNT) {
            load(x, offset + i).mul(factor).intoArray(x, offset + i);
        }
        scalar.scale(x, offset + whole, count - whole, factor);
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
        int whole = whole(count);
        for (int i = 0; i < whole; i += COUNT) {
            load(in, inOffset + i)
                    .mul(factor)
                    .mul(load(weight, weightOffset + i))
                    .intoArray(out, outOffset + i);
        }
        scalar.scaleMultiply(
                in, inOffset + whole, factor, weight, weightOffset + whole, out, outOffset + whole, count - whole);
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
        SmallProduct.multiplyAdd(a, aOffset, aStride, rows, depth, b, bOffset, bStride, c, cOffset, cStride, columns);
    }

    @Override
    public float exp(float[] x, int offset, int count, float shift) {
        int whole = whole(count);
        FloatVector sum = FloatVector.zero(F);
        for (int i = 0; i < whole; i += COUNT) {
            FloatVector t = load(x, offset + i).sub(shift);
            FloatVector e = VectorMath.exp(t);
            e = e.blend(0, t.compare(VectorOperators.LT, VectorMath.lowest()));
            e.intoArray(x, offset + i);
            sum = sum.add(e);
        }
        return Lanes.sum(sum) + scalar.exp(x, offset + whole, count - whole, shift);
    }

    @Override
    public void siluMultiply(
            float[] gate, int gateOffset, float[] up, int upOffset, float[] out, int outOffset, int count) {
        int whole = whole(count);
        for (int i = 0; i < whole; i += COUNT) {
            FloatVector g = load(gate, gateOffset + i);
            VectorMath.timesSigmoid(g, g).mul(load(up, upOffset + i)).intoArray(out, outOffset + i);
        }
        scalar.siluMultiply(gate, gateOffset + whole, up, upOffset + whole, out, outOffset + whole, count - whole);
    }

    @Override
    public void geluTanhMultiply(
            float[] gate, int gateOffset, float[] up, int upOffset, float[] out, int outOffset, int count) {
        int whole = whole(count);
        FloatVector cubic = broadcast(GELU_CUBIC);
        FloatVector linear = broadcast(GELU_LINEAR);
        for (int i = 0; i < whole; i += COUNT) {
            FloatVector g = load(gate, gateOffset + i);
            FloatVector inner = g.mul(g).fma(cubic, linear).mul(g);
            VectorMath.timesSigmoid(g, inner).mul(load(up, upOffset + i)).intoArray(out, outOffset + i);
        }
        scalar.geluTanhMultiply(gate, gateOffset + whole, up, upOffset + whole, out, outOffset + whole, count - whole);
    }

    @Override
    public void storeF16(float[] values, int offset, int count, MemorySegment target, long targetOffset) {
        F16Kernel.pack(
                values, offset, count, target, targetOffset, Scratch.current().halves(count));
    }

    @Override
    public void loadF16(MemorySegment source, long sourceOffset, float[] values, int offset, int count) {
        F16Kernel.unpack(
                source, sourceOffset, values, offset, count, Scratch.current().halves(count));
    }

    @Override
    public void storeQ8(float[] values, int offset, int count, MemorySegment target, long targetOffset) {
        scalar.storeQ8(values, offset, count, target, targetOffset);
    }

    @Override
    public void loadQ8(MemorySegment source, long sourceOffset, float[] values, int offset, int count) {
        Q8_0Kernel.unpack(source, sourceOffset, values, offset, count);
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
            for (int j = 0; j < columns; j += UNIT) {
                int i = r * columns + j;
                scaleUnit(Lanes.bytes(source, sourceOffset + i), scales, j, values, offset + i);
            }
        }
    }

    private static void scaleUnit(ByteVector q, float[] scales, int scalesAt, float[] values, int at) {
        scalePart(q, scales, scalesAt, values, at);
        if (COUNT == 8) {
            scalePart(q.rearrange(FROM_8), scales, scalesAt + 8, values, at + 8);
        } else if (COUNT == 4) {
            scalePart(q.rearrange(FROM_4), scales, scalesAt + 4, values, at + 4);
            scalePart(q.rearrange(FROM_8), scales, scalesAt + 8, values, at + 8);
            scalePart(q.rearrange(FROM_12), scales, scalesAt + 12, values, at + 12);
        }
    }

    private static void scalePart(ByteVector q, float[] scales, int scalesAt, float[] values, int at) {
        FloatVector x = (FloatVector) q.convertShape(VectorOperators.B2F, F, 0);
        x.mul(load(scales, scalesAt)).intoArray(values, at);
    }
}
