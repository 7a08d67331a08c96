package dev.nibble.cpu.vector;

import dev.nibble.cpu.kernel.KernelSettings;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * The vector width of this process, and the few steps that depend on it. Constants, so that the compiler sees one width
 * only; kernels for quantized types work on units of 16 bytes and let this class widen them to 1, 2 or 4 float vectors.
 */
public final class Lanes {
    public static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED.withShape(shape());
    public static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, F.vectorShape());

    /** As many shorts as {@link #F} has floats. */
    static final VectorSpecies<Short> S =
            VectorSpecies.of(short.class, F.vectorBitSize() == 512 ? VectorShape.S_256_BIT : half(F.vectorShape()));

    /** Bytes of a unit. */
    static final VectorSpecies<Byte> B = ByteVector.SPECIES_128;

    /** Floats in a vector. */
    public static final int COUNT = F.length();

    public static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;
    static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LE);
    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(LE);
    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(LE);

    private static final ByteVector NIBBLE = ByteVector.broadcast(B, 15);

    // byte shuffles that bring part 1, 2 or 3 of a unit to its front
    private static final VectorShuffle<Byte> FROM_4 = VectorShuffle.iota(B, 4, 1, true);
    private static final VectorShuffle<Byte> FROM_8 = VectorShuffle.iota(B, 8, 1, true);
    private static final VectorShuffle<Byte> FROM_12 = VectorShuffle.iota(B, 12, 1, true);

    // lane shuffles for a sum in a fixed order: reduceLanes leaves the order open
    private static final VectorShuffle<Float> BY_8 = VectorShuffle.iota(F, 8, 1, true);
    private static final VectorShuffle<Float> BY_4 = VectorShuffle.iota(F, 4, 1, true);
    private static final VectorShuffle<Float> BY_2 = VectorShuffle.iota(F, 2, 1, true);
    private static final VectorShuffle<Float> BY_1 = VectorShuffle.iota(F, 1, 1, true);

    private static final VectorMask<Float> UPPER_HALF = VectorMask.fromLong(F, -1L << (COUNT / 2));

    private Lanes() {}

    private static VectorShape shape() {
        return switch (KernelSettings.vectorBits()) {
            case 128 -> VectorShape.S_128_BIT;
            case 256 -> VectorShape.S_256_BIT;
            case 512 -> VectorShape.S_512_BIT;
            default -> preferred();
        };
    }

    /** The widest of the three shapes that the processor has; 2048-bit SVE, too, runs the 512-bit kernels. */
    private static VectorShape preferred() {
        int bits = FloatVector.SPECIES_PREFERRED.vectorBitSize();
        return bits >= 512 ? VectorShape.S_512_BIT : bits >= 256 ? VectorShape.S_256_BIT : VectorShape.S_128_BIT;
    }

    private static VectorShape half(VectorShape shape) {
        return shape == VectorShape.S_256_BIT ? VectorShape.S_128_BIT : VectorShape.S_64_BIT;
    }

    /** 16 bytes at any alignment. */
    static ByteVector bytes(MemorySegment data, long offset) {
        return ByteVector.fromMemorySegment(B, data, offset, LE);
    }

    /** The low nibbles of bytes. */
    static ByteVector low4(ByteVector q) {
        return q.and(NIBBLE);
    }

    /** The high nibbles of bytes. */
    static ByteVector high4(ByteVector q) {
        return low4(down(q, 4));
    }

    /** Bytes shifted right; bits of the next byte come in above. Processors shift shorts, but not bytes. */
    static ByteVector down(ByteVector q, int bits) {
        return q.reinterpretAsShorts().lanewise(VectorOperators.LSHR, bits).reinterpretAsBytes();
    }

    /** Bytes shifted left; bits of the byte before come in below. */
    static ByteVector up(ByteVector q, int bits) {
        return q.reinterpretAsShorts().lanewise(VectorOperators.LSHL, bits).reinterpretAsBytes();
    }

    /** 16 bytes, the first in the low bits of {@code low}. */
    static ByteVector bytes(long low, long high) {
        return LongVector.broadcast(LongVector.SPECIES_128, low)
                .withLane(1, high)
                .reinterpretAsBytes();
    }

    public static FloatVector load(float[] values, int offset) {
        return FloatVector.fromArray(F, values, offset);
    }

    static float half(MemorySegment data, long offset) {
        return Float.float16ToFloat(data.get(SHORT, offset));
    }

    /** Sum of all lanes: halves are added until one lane is left. */
    static float sum(FloatVector v) {
        if (COUNT == 16) {
            v = v.add(v.rearrange(BY_8));
        }
        if (COUNT >= 8) {
            v = v.add(v.rearrange(BY_4));
        }
        v = v.add(v.rearrange(BY_2));
        return v.add(v.rearrange(BY_1)).lane(0);
    }

    /** The first {@link #COUNT} of 16 signed bytes as floats. */
    private static FloatVector front(ByteVector q) {
        return (FloatVector) q.convertShape(VectorOperators.B2F, F, 0);
    }

    /** {@code out = q · scale} for 16 signed bytes. */
    static void store16(ByteVector q, FloatVector scale, float[] out, int offset) {
        front(q).mul(scale).intoArray(out, offset);
        if (COUNT == 8) {
            front(q.rearrange(FROM_8)).mul(scale).intoArray(out, offset + 8);
        } else if (COUNT == 4) {
            front(q.rearrange(FROM_4)).mul(scale).intoArray(out, offset + 4);
            front(q.rearrange(FROM_8)).mul(scale).intoArray(out, offset + 8);
            front(q.rearrange(FROM_12)).mul(scale).intoArray(out, offset + 12);
        }
    }

    /** {@code out = q · scale + shift} for 16 signed bytes. */
    static void store16(ByteVector q, FloatVector scale, FloatVector shift, float[] out, int offset) {
        front(q).fma(scale, shift).intoArray(out, offset);
        if (COUNT == 8) {
            front(q.rearrange(FROM_8)).fma(scale, shift).intoArray(out, offset + 8);
        } else if (COUNT == 4) {
            front(q.rearrange(FROM_4)).fma(scale, shift).intoArray(out, offset + 4);
            front(q.rearrange(FROM_8)).fma(scale, shift).intoArray(out, offset + 8);
            front(q.rearrange(FROM_12)).fma(scale, shift).intoArray(out, offset + 12);
        }
    }

    /** {@code out = q · scale} for 16 signed bytes, the first 8 with one scale, the others with another. */
    static void store8And8(ByteVector q, float scale, float scale8, float[] out, int offset) {
        if (COUNT == 16) {
            front(q).mul(broadcast(scale).blend(scale8, UPPER_HALF)).intoArray(out, offset);
        } else if (COUNT == 8) {
            front(q).mul(scale).intoArray(out, offset);
            front(q.rearrange(FROM_8)).mul(scale8).intoArray(out, offset + 8);
        } else {
            front(q).mul(scale).intoArray(out, offset);
            front(q.rearrange(FROM_4)).mul(scale).intoArray(out, offset + 4);
            front(q.rearrange(FROM_8)).mul(scale8).intoArray(out, offset + 8);
            front(q.rearrange(FROM_12)).mul(scale8).intoArray(out, offset + 12);
        }
    }

    public static FloatVector broadcast(float value) {
        return FloatVector.broadcast(F, value);
    }

    /** {@link #COUNT} shorts, sign-extended. */
    private static IntVector shorts(MemorySegment data, long offset) {
        return (IntVector) ShortVector.fromMemorySegment(S, data, offset, LE).convertShape(VectorOperators.S2I, I, 0);
    }

    /** {@link #COUNT} bfloat16 values: the upper halves of floats. */
    static FloatVector bf16(MemorySegment data, long offset) {
        return shorts(data, offset).lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
    }
}
