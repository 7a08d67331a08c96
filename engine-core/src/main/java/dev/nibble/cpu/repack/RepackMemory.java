package dev.nibble.cpu.repack;

import dev.nibble.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Holds the rearranged copies of weights that kernels keep, perhaps from one load to the next. */
@FunctionalInterface
public interface RepackMemory {
    /** The copy of a weight that cannot be rearranged. */
    MemorySegment NONE = MemorySegment.NULL;

    /** Makes the copy of a weight. */
    @FunctionalInterface
    interface Filler {
        /**
         * Writes all of {@code copy}, which holds anything before.
         *
         * @return false if the weight cannot be rearranged
         */
        boolean fill(MemorySegment copy);
    }

    /**
     * Room for a copy, at a multiple of 64 bytes. It holds anything.
     *
     * @throws OutOfMemoryError with numbers, if there is not enough
     */
    MemorySegment allocate(long bytes);

    /**
     * The copy of a weight: what an earlier load made of it, else what {@code filler} makes. Asked once for each weight of a model,
     * always in the same order.
     *
     * @param form names how the copy is laid out; another name for whatever is laid out otherwise
     * @return memory of this process, or {@link #NONE}
     * @throws OutOfMemoryError as {@link #allocate}
     */
    default MemorySegment copy(Tensor weight, String form, long bytes, Filler filler) {
        MemorySegment copy = allocate(bytes);
        return filler.fill(copy) ? copy : NONE;
    }

    /** Memory of an arena. */
    static RepackMemory of(Arena arena) {
        return bytes -> arena.allocate(bytes, 64);
    }
}
