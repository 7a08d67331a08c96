package dev.nibble.memory;

import dev.nibble.OutOfMemoryException;
import dev.nibble.OutOfMemoryException.Remedy;
import dev.nibble.memory.SystemMemory.Room;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicLong;

/** How much memory models may take together beside their mapped files, and how much they have taken. Thread-safe. */
public final class MemoryBudget {
    private final OptionalLong limit;
    private final AtomicLong taken = new AtomicLong();

    /**
     * @param limit in bytes; empty for none
     */
    public MemoryBudget(OptionalLong limit) {
        this.limit = limit;
    }

    /** Bytes that were taken and not given back. */
    public long taken() {
        return taken.get();
    }

    /** What is left; empty if there is no limit. */
    public Optional<Room> room() {
        return limit.isEmpty()
                ? Optional.empty()
                : Optional.of(new Room(
                        Math.max(0, limit.getAsLong() - taken()),
                        "of the engine's memory budget of " + ByteCount.text(limit.getAsLong())));
    }

    /**
     * Takes memory, all or none.
     *
     * @param what needs it, for the message
     * @throws OutOfMemoryException if there is not as much left
     */
    public void take(long bytes, String what) {
        long most = limit.orElse(Long.MAX_VALUE);
        long before;
        do {
            before = taken.get();
            if (bytes > most - before) {
                throw new OutOfMemoryException(
                        what + " needs " + ByteCount.text(bytes) + ", but " + room().orElseThrow(),
                        List.of(Remedy.LARGER_BUDGET),
                        0);
            }
        } while (!taken.compareAndSet(before, before + bytes));
    }

    /** Gives back what was taken. */
    public void giveBack(long bytes) {
        taken.addAndGet(-bytes);
    }
}
