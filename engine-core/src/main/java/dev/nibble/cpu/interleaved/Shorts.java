package dev.nibble.cpu.interleaved;

import dev.nibble.cpu.vector.Lanes;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.jspecify.annotations.Nullable;

/**
 * Vectors of 16-bit lanes, as wide as {@link Lanes#F}. A group of {@link #GROUP} weight rows fills the lanes of one.
 *
 * <p>An int holds two neighbouring lanes. So that taking the lower and the upper halves of the ints apart gives rows in
 * order, row i of the first half of a group lies in lane 2i, and row i of the second half in lane 2i + 1.
 */
final class Shorts {
    static final VectorSpecies<Short> S = VectorSpecies.of(short.class, Lanes.F.vectorShape());

    /** Rows of a group: lanes of a vector of shorts. */
    static final int GROUP = S.length();

    /** Floats of a vector: half a group. */
    static final int HALF = Lanes.COUNT;

    /** Sign and value bits of a half that was moved to the place they have in a float. */
    private static final IntVector HALF_BITS = IntVector.broadcast(Lanes.I, 0x8fffe000);

    /** What a half moved so lacks: the difference of the exponents' biases. */
    private static final FloatVector HALF_BIAS = FloatVector.broadcast(Lanes.F, 0x1p112f);

    /**
     * The class of off-heap segments. A loop that compares the class of its segment with this constant needs no tests of
     * it at each access, which the compiler does not take out of loops in a program that uses other segments, too.
     */
    private static final Class<?> OFF_HEAP = Arena.global().allocate(1).getClass();

    /**
     * All memory, where this code may use it. The weights are then read by their address: neither their bounds nor their
     * scope is looked at again with each access, which the compiler does not take out of loops.
     *
     * <p>What keeps this safe: kernels read what they allocated themselves, at offsets that follow from its size, and a
     * model frees it when no pass runs.
     */
    @SuppressWarnings("restricted")
    private static final @Nullable MemorySegment ALL =
            Shorts.class.getModule().isNativeAccessEnabled() ? MemorySegment.NULL.reinterpret(Long.MAX_VALUE) : null;

    private Shorts() {}

    /** Whether weights are read by their address. */
    static boolean readsByAddress() {
        return ALL != null;
    }

    /** What is added to an offset in {@code data} for {@link #load}. */
    static long base(MemorySegment data) {
        return ALL == null ? 0 : data.address();
    }

    private static MemorySegment memory(MemorySegment data) {
        if (ALL != null) {
            return ALL;
        }
        if (data.getClass() != OFF_HEAP) {
            throw new IllegalArgumentException("the weights are not off-heap");
        }
        return data;
    }

    /** The lane of a row of a group. */
    static int lane(int row) {
        return row < HALF ? 2 * row : 2 * (row - HALF) + 1;
    }

    static ShortVector load(MemorySegment data, long at) {
        return ShortVector.fromMemorySegment(S, memory(data), at, Lanes.LE);
    }

    /**
     * Reads a byte for nothing, once in each loop over weights. In a method with an access to memory that is not of a
     * vector, the JVM turns a fault of a mapped file into an {@link InternalError}; in one with vectors only it would end
     * the process.
     */
    static void mayFault(MemorySegment data, long at) {
        memory(data).get(ValueLayout.JAVA_BYTE, at);
    }

    /** {@link #HALF} floats. */
    static FloatVector loadFloats(MemorySegment data, long at) {
        return FloatVector.fromMemorySegment(Lanes.F, memory(data), at, Lanes.LE);
    }

    /** An int in all places: two neighbouring shorts, which are the same in a {@link QuantizedInput}. */
    static ShortVector pair(int value) {
        return IntVector.broadcast(Lanes.I, value).reinterpretAsShorts();
    }

    /** The int whose two halves are {@code value}. */
    static int pairOf(int value) {
        return value & 0xffff | value << 16;
    }

    /** The shorts in the even lanes, the first half of the group. */
    static IntVector even(IntVector pairs) {
        return pairs.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 16);
    }

    /** The shorts in the odd lanes, the second half of the group. */
    static IntVector odd(IntVector pairs) {
        return pairs.lanewise(VectorOperators.ASHR, 16);
    }

    static FloatVector floats(IntVector v) {
        return (FloatVector) v.convertShape(VectorOperators.I2F, Lanes.F, 0);
    }

    /** The half-precision numbers in the even lanes; finite ones are exact. */
    static FloatVector evenHalves(IntVector pairs) {
        return half(pairs.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 3));
    }

    /** The half-precision numbers in the odd lanes. */
    static FloatVector oddHalves(IntVector pairs) {
        return half(pairs.lanewise(VectorOperators.ASHR, 3));
    }

    private static FloatVector half(IntVector moved) {
        return moved.and(HALF_BITS).reinterpretAsFloats().mul(HALF_BIAS);
    }

    /** Shorts of all rows as ints, two neighbouring lanes in each. */
    static IntVector pairs(short[] in, int at) {
        return ShortVector.fromArray(S, in, at).reinterpretAsInts();
    }

    // Of pairs of bytes, an int of which has those of a row of the first half of a group and of a row of the second.

    /** The first bytes of the first half's rows. */
    static IntVector firstOfEven(IntVector pairs) {
        return pairs.lanewise(VectorOperators.LSHL, 24).lanewise(VectorOperators.ASHR, 24);
    }

    /** The first bytes of the second half's rows. */
    static IntVector firstOfOdd(IntVector pairs) {
        return pairs.lanewise(VectorOperators.LSHL, 8).lanewise(VectorOperators.ASHR, 24);
    }

    /** The second bytes of the first half's rows. */
    static IntVector secondOfEven(IntVector pairs) {
        return pairs.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 24);
    }

    /** The second bytes of the second half's rows. */
    static IntVector secondOfOdd(IntVector pairs) {
        return pairs.lanewise(VectorOperators.ASHR, 24);
    }
}
