package dev.nibble.cpu;

import dev.nibble.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Holds the rearranged copies of weights that kernels keep, perhaps from one load to the next. */
@FunctionalInterface
public interface RepackMemory {
    /** What {@link #find} and {@link #made} have for a weight that cannot be rearranged. */
    MemorySegment NONE = MemorySegment.NULL;

    /**
     * Room for a copy, at a multiple of 64 bytes. It holds anything.
     *
     * @throws OutOfMemoryError with numbers, if there is not enough
     */
    MemorySegment allocate(long bytes);

    /**
     * What an earlier load made of a weight, {@link #NONE} included; null if there is nothing of that size. Asked once
     * for each weight of a model, always in the same order.
     */
    default @Nullable MemorySegment find(Tensor weight, long bytes) {
        return null;
    }

    /** Tells what was made of a weight that was not found. */
    default void made(Tensor weight, MemorySegment copy) {}

    /** Memory of an arena. */
    static RepackMemory of(Arena arena) {
        return bytes -> arena.allocate(bytes, 64);
    }
}
