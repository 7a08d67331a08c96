package dev.nibble.cpu.interleaved;

import dev.nibble.cpu.vector.Lanes;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.jspecify.annotations.Nullable;

/**
 * Vectors of 16-bit lanes, as wide as {@link Lanes#F}. A group of {@link #GROUP} weight rows fills the lanes of one or two,
 * its parts.
 *
 * <p>An int holds two neighbouring lanes. So that taking the lower and the upper halves of the ints apart gives rows in
 * order, row i of the first half of a part lies in lane 2i, and row i of the second half in lane 2i + 1.
 */
final class Shorts {
    static final VectorSpecies<Short> S = VectorSpecies.of(short.class, Lanes.F.vectorShape());

    /** Lanes of a vector of shorts: rows of a part. */
    static final int LANES = S.length();

    /** Bytes of a vector. */
    static final int VECTOR = 2 * LANES;

    /** Floats of a vector: half a part. */
    static final int HALF = Lanes.COUNT;

    /**
     * Parts of a group. With short vectors two, so that activations are broadcast, and loops counted, for both at once:
     * what a processor with vectors of 512 bits does anyway.
     */
    static final int PARTS = LANES < 32 ? 2 : 1;

    /** Rows of a group. */
    static final int GROUP = PARTS * LANES;

    /** Sign and value bits of a half that was moved to the place they have in a float. */
    static final IntVector HALF_BITS = IntVector.broadcast(Lanes.I, 0x8fffe000);

    /** What a half moved so lacks: the difference of the exponents' biases. */
    static final FloatVector HALF_BIAS = FloatVector.broadcast(Lanes.F, 0x1p112f);

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

    /**
     * The offset itself, in a form from which the compiler sees that it, and what lies a little behind, is inside all
     * memory: loads by address then cost no test.
     */
    static long plain(long at) {
        return at & Long.MAX_VALUE >> 1;
    }

    /** What is added to an offset in {@code data} for {@link #load}. */
    static long base(MemorySegment data) {
        return ALL == null ? 0 : data.address();
    }

    /** Where weights are read. */
    static MemorySegment memory(MemorySegment data) {
        if (ALL != null) {
            return ALL;
        }
        if (data.getClass() != OFF_HEAP) {
            throw new IllegalArgumentException("the weights are not off-heap");
        }
        return data;
    }

    /** The lane of a row of a group, of all lanes of its parts. */
    static int lane(int row) {
        int inPart = row % LANES;
        return row - inPart + (inPart < HALF ? 2 * inPart : 2 * (inPart - HALF) + 1);
    }

    static ShortVector load(MemorySegment data, long at) {
        return ShortVector.fromMemorySegment(S, memory(data), at, Lanes.LE);
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

    /** The shorts in the even lanes, the first half of the part. */
    static IntVector even(IntVector pairs) {
        return pairs.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 16);
    }

    /** The shorts in the odd lanes, the second half of the part. */
    static IntVector odd(IntVector pairs) {
        return pairs.lanewise(VectorOperators.ASHR, 16);
    }

    static FloatVector floats(IntVector v) {
        return (FloatVector) v.convertShape(VectorOperators.I2F, Lanes.F, 0);
    }

    /** The half-precision numbers in the even lanes, times 2^-112; finite ones are exact. */
    static FloatVector evenHalves(IntVector pairs) {
        IntVector moved = pairs.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 3);
        return moved.and(HALF_BITS).reinterpretAsFloats();
    }

    /** The half-precision numbers in the odd lanes, times 2^-112. */
    static FloatVector oddHalves(IntVector pairs) {
        return pairs.lanewise(VectorOperators.ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
    }

    /** Shorts of a part as ints, two neighbouring lanes in each. */
    static IntVector pairs(short[] in, int at) {
        return ShortVector.fromArray(S, in, at).reinterpretAsInts();
    }

    // Of pairs of bytes, an int of which has those of a row of the first half of a part and of a row of the second.

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
