package dev.nibble.memory;

import dev.nibble.OutOfMemoryException;
import dev.nibble.OutOfMemoryException.Remedy;
import dev.nibble.memory.SystemMemory.Room;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;

/** How much memory models may take together beside their mapped files, and how much they have taken. Thread-safe. */
public final class MemoryBudget {
    private final OptionalLong limit;
    private final String name;
    private final Remedy remedy;
    private final AtomicLong taken = new AtomicLong();
    private final BudgetLine line = new BudgetLine();
    private final List<Reclaimable> reclaimables = new CopyOnWriteArrayList<>();

    /** Memory of the budget that is kept for later and can be given up for others. Thread-safe. */
    public interface Reclaimable {
        /** Bytes that could be given up now. */
        long reclaimableBytes();

        /**
         * Gives up memory.
         *
         * @param bytes at least so many, if there are
         * @param waits whether it may wait for who uses it now; false where the caller holds what others may wait for
         * @return whether anything was given up
         */
        boolean reclaim(long bytes, boolean waits);
    }

    /**
     * That of an engine.
     *
     * @param limit in bytes; empty for none
     */
    public MemoryBudget(OptionalLong limit) {
        this(limit, "the engine's memory budget", Remedy.LARGER_BUDGET);
    }

    private MemoryBudget(OptionalLong limit, String name, Remedy remedy) {
        this.limit = limit;
        this.name = name;
        this.remedy = remedy;
    }

    /** That of the sessions of a model. */
    public static MemoryBudget ofSessions(OptionalLong limit) {
        return new MemoryBudget(limit, "the model's KV cache budget", Remedy.LARGER_KV_BUDGET);
    }

    /** Who takes of it. */
    public BudgetLine line() {
        return line;
    }

    /** Says what can be given up, until it is {@linkplain #remove removed}. */
    public void add(Reclaimable reclaimable) {
        reclaimables.add(reclaimable);
    }

    /** There is nothing to give up any more. */
    public void remove(Reclaimable reclaimable) {
        reclaimables.remove(reclaimable);
    }

    /**
     * Has others give up what they keep for later, until one has given up some.
     *
     * @param own is not asked
     * @param waits as for {@link Reclaimable#reclaim}
     * @return whether anything was given up
     */
    public boolean reclaim(long bytes, Reclaimable own, boolean waits) {
        for (Reclaimable each : reclaimables) {
            if (each != own && each.reclaim(bytes, waits)) {
                return true;
            }
        }
        return false;
    }

    /** Bytes that {@link #reclaim} could free. */
    public long reclaimableBytes() {
        return reclaimables.stream().mapToLong(Reclaimable::reclaimableBytes).sum();
    }

    /** Bytes that can be taken at all; empty if there is no limit. */
    public OptionalLong limit() {
        return limit;
    }

    /** What would help where it does not suffice. */
    public Remedy remedy() {
        return remedy;
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
                        "of " + name + " of " + ByteCount.text(limit.getAsLong())));
    }

    /**
     * Takes memory, all or none.
     *
     * @param what needs it, for the message
     * @throws OutOfMemoryException if there is not as much left
     */
    public void take(long bytes, String what) {
        if (!tryTake(bytes)) {
            throw new OutOfMemoryException(
                    what + " needs " + ByteCount.text(bytes) + ", but " + room().orElseThrow(), List.of(remedy), 0);
        }
    }

    /** As {@link #take}; false if there is not as much left. */
    public boolean tryTake(long bytes) {
        long most = limit.orElse(Long.MAX_VALUE);
        long before;
        do {
            before = taken.get();
            if (bytes > most - before) {
                return false;
            }
        } while (!taken.compareAndSet(before, before + bytes));
        return true;
    }

    /** Gives back what was taken. */
    public void giveBack(long bytes) {
        taken.addAndGet(-bytes);
    }
}
