package dev.nibble.cpu.vector;

import static dev.nibble.cpu.vector.Lanes.COUNT;
import static dev.nibble.cpu.vector.Lanes.F;
import static dev.nibble.cpu.vector.Lanes.broadcast;
import static dev.nibble.cpu.vector.Lanes.load;

import dev.nibble.cpu.kernel.VectorOps;
import dev.nibble.cpu.pool.Scratch;
import dev.nibble.cpu.scalar.ScalarOps;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;

/** {@link VectorOps} on vectors; what is left at the end of an array goes through the scalar code. */
final class VectorizedOps implements VectorOps {
    /** Bytes that are loaded at a time. */
    private static final int UNIT = 16;

    private static final ByteVector NIBBLE_BIAS = ByteVector.broadcast(Lanes.B, 8);

    private static final VectorShuffle<Byte> FROM_4 = VectorShuffle.iota(Lanes.B, 4, 1, true);
    private static final VectorShuffle<Byte> FROM_8 = VectorShuffle.iota(Lanes.B, 8, 1, true);
    private static final VectorShuffle<Byte> FROM_12 = VectorShuffle.iota(Lanes.B, 12, 1, true);

    private final ScalarOps scalar = new ScalarOps();
    private final HeavyLoops heavy = new HeavyLoops();

    private static int whole(int count) {
        return count & -COUNT;
    }

    @Override
    public float dot(float[] a, int aOffset, float[] b, int bOffset, int count) {
        return heavy.dot(a, aOffset, b, bOffset, count);
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
        return heavy.exp(x, offset, whole, shift) + scalar.exp(x, offset + whole, count - whole, shift);
    }

    @Override
    public void siluMultiply(
            float[] gate, int gateOffset, float[] up, int upOffset, float[] out, int outOffset, int count) {
        int whole = whole(count);
        heavy.silu(gate, gateOffset, up, upOffset, out, outOffset, whole);
        scalar.siluMultiply(gate, gateOffset + whole, up, upOffset + whole, out, outOffset + whole, count - whole);
    }

    @Override
    public void geluTanhMultiply(
            float[] gate, int gateOffset, float[] up, int upOffset, float[] out, int outOffset, int count) {
        int whole = whole(count);
        heavy.gelu(gate, gateOffset, up, upOffset, out, outOffset, whole);
        scalar.geluTanhMultiply(gate, gateOffset + whole, up, upOffset + whole, out, outOffset + whole, count - whole);
    }

    @Override
    public void storeF16(
            float[] values, int offset, int count, MemorySegment target, long targetOffset, Scratch scratch) {
        F16Kernel.pack(values, offset, count, target, targetOffset, scratch.halves(count));
    }

    @Override
    public void loadF16(
            MemorySegment source, long sourceOffset, float[] values, int offset, int count, Scratch scratch) {
        F16Kernel.unpack(source, sourceOffset, values, offset, count, scratch.halves(count));
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

    @Override
    public void storeQ4(float[] values, int offset, int count, MemorySegment target, long targetOffset) {
        scalar.storeQ4(values, offset, count, target, targetOffset);
    }

    @Override
    public void loadQ4(MemorySegment source, long sourceOffset, float[] values, int offset, int count) {
        Q4_0Kernel.unpack(source, sourceOffset, values, offset, count);
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
        int high = rows * columns;
        for (int r = 0; r < rows; r++) {
            for (int j = 0; j < columns; j += UNIT) {
                int i = r * columns + j;
                ByteVector q = Lanes.bytes(source, sourceOffset + i);
                scaleUnit(Lanes.low4(q).sub(NIBBLE_BIAS), scales, j, values, offset + i);
                scaleUnit(Lanes.high4(q).sub(NIBBLE_BIAS), scales, j, values, offset + high + i);
            }
        }
    }

    @Override
    public void rotate(float[] x, int offset, int count, int size) {
        for (int at = offset; at < offset + count; at += size) {
            int half = size / 2;
            for (; half >= COUNT; half /= 2) {
                for (int i = at; i < at + size; i += 2 * half) {
                    for (int j = i; j < i + half; j += COUNT) {
                        FloatVector a = load(x, j);
                        FloatVector b = load(x, j + half);
                        a.add(b).intoArray(x, j);
                        a.sub(b).intoArray(x, j + half);
                    }
                }
            }
            for (; half > 0; half /= 2) {
                scalar.addAndSubtract(x, at, size, half);
            }
        }
        scale(x, offset, count, (float) (1 / Math.sqrt(size)));
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
