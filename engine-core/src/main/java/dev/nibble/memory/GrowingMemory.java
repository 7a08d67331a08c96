package dev.nibble.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Memory outside the heap that is replaced by more when more is needed; what it held is lost then. Used by one thread at a time,
 * whichever that is.
 */
public final class GrowingMemory implements AutoCloseable {
    private @Nullable Arena arena;
    private MemorySegment segment = MemorySegment.NULL;

    /**
     * At least so many bytes that hold anything, at a multiple of {@link NativeMemory#ALIGNMENT}. Good until the next call.
     *
     * @throws OutOfMemoryError if there are not so many; the memory is empty then
     */
    public MemorySegment ensure(long bytes) {
        if (segment.byteSize() < bytes) {
            replace(bytes);
        }
        return segment;
    }

    private void replace(long bytes) {
        close(); // before there is more, so that both are never needed at once
        Arena larger = Arena.ofShared();
        try {
            segment = larger.allocate(bytes, NativeMemory.ALIGNMENT);
            arena = larger;
        } finally {
            if (arena == null) {
                larger.close();
            }
        }
    }

    /** Frees the memory. It may be used again, and is empty then. */
    @Override
    public void close() {
        Arena old = arena;
        arena = null;
        segment = MemorySegment.NULL;
        if (old != null) {
            old.close();
        }
    }
}
