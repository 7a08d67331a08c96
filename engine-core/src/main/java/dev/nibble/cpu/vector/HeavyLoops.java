package dev.nibble.cpu.vector;

import static dev.nibble.cpu.vector.Lanes.COUNT;
import static dev.nibble.cpu.vector.Lanes.F;
import static dev.nibble.cpu.vector.Lanes.broadcast;
import static dev.nibble.cpu.vector.Lanes.load;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Loops over whole vectors that are each compiled alone, wherever they are called.
 *
 * <p>HotSpot's C2 inlines until a method's graph has 18,000 nodes; what comes then keeps its vectors in objects. One of these
 * loops takes 6,000 to 8,000, so that a caller with two or three of them is slow or not, by what was compiled first. It
 * inlines no method handle that is not a constant, as a field of an object is not.
 */
final class HeavyLoops {
    // 2 sqrt(2/π) and its product with the cubic coefficient: gelu(x) = x · sigmoid(2 sqrt(2/π) (x + 0.044715 x³))
    private static final float GELU_LINEAR = 1.5957692f;
    private static final float GELU_CUBIC = 0.071354814f;

    private final MethodHandle dot = handle("dotLoop");
    private final MethodHandle exp = handle("expLoop");
    private final MethodHandle silu = handle("siluLoop");
    private final MethodHandle gelu = handle("geluLoop");

    private static MethodHandle handle(String name) {
        try {
            return MethodHandles.lookup()
                    .unreflect(Arrays.stream(HeavyLoops.class.getDeclaredMethods())
                            .filter(method -> method.getName().equals(name))
                            .findFirst()
                            .orElseThrow());
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Σ a·b over all {@code count} elements. */
    float dot(float[] a, int aOffset, float[] b, int bOffset, int count) {
        try {
            return (float) dot.invokeExact(a, aOffset, b, bOffset, count);
        } catch (Throwable e) {
            throw unchecked(e);
        }
    }

    /** {@code x = exp(x - shift)}; returns the sum. */
    float exp(float[] x, int offset, int count, float shift) {
        try {
            return (float) exp.invokeExact(x, offset, count, shift);
        } catch (Throwable e) {
            throw unchecked(e);
        }
    }

    /** {@code out = silu(gate) · up}. */
    void silu(float[] gate, int gateOffset, float[] up, int upOffset, float[] out, int outOffset, int count) {
        try {
            silu.invokeExact(gate, gateOffset, up, upOffset, out, outOffset, count);
        } catch (Throwable e) {
            throw unchecked(e);
        }
    }

    /** {@code out = gelu(gate) · up}. */
    void gelu(float[] gate, int gateOffset, float[] up, int upOffset, float[] out, int outOffset, int count) {
        try {
            gelu.invokeExact(gate, gateOffset, up, upOffset, out, outOffset, count);
        } catch (Throwable e) {
            throw unchecked(e);
        }
    }

    private static RuntimeException unchecked(Throwable thrown) {
        if (thrown instanceof Error error) {
            throw error;
        }
        return thrown instanceof RuntimeException e ? e : new IllegalStateException(thrown);
    }

    static float dotLoop(float[] a, int aOffset, float[] b, int bOffset, int count) {
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

    static float expLoop(float[] x, int offset, int count, float shift) {
        FloatVector sum = FloatVector.zero(F);
        for (int i = 0; i < count; i += COUNT) {
            FloatVector t = load(x, offset + i).sub(shift);
            FloatVector e = VectorMath.exp(t);
            e = e.blend(0, t.compare(VectorOperators.LT, VectorMath.lowest()));
            e.intoArray(x, offset + i);
            sum = sum.add(e);
        }
        return Lanes.sum(sum);
    }

    static void siluLoop(
            float[] gate, int gateOffset, float[] up, int upOffset, float[] out, int outOffset, int count) {
        for (int i = 0; i < count; i += COUNT) {
            FloatVector g = load(gate, gateOffset + i);
            VectorMath.timesSigmoid(g, g).mul(load(up, upOffset + i)).intoArray(out, outOffset + i);
        }
    }

    static void geluLoop(
            float[] gate, int gateOffset, float[] up, int upOffset, float[] out, int outOffset, int count) {
        FloatVector cubic = broadcast(GELU_CUBIC);
        FloatVector linear = broadcast(GELU_LINEAR);
        for (int i = 0; i < count; i += COUNT) {
            FloatVector g = load(gate, gateOffset + i);
            FloatVector inner = g.mul(g).fma(cubic, linear).mul(g);
            VectorMath.timesSigmoid(g, inner).mul(load(up, upOffset + i)).intoArray(out, outOffset + i);
        }
    }
}
