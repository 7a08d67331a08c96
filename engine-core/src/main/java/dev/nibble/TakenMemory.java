package dev.nibble;

import dev.nibble.memory.MemoryBudget;

/** What a model takes of its engine's memory for as long as it is open. Used by one thread at a time. */
final class TakenMemory implements AutoCloseable {
    private final MemoryBudget budget;
    private long bytes;

    private TakenMemory(MemoryBudget budget) {
        this.budget = budget;
    }

    /** Nothing yet. */
    static TakenMemory of(Engine engine) {
        return new TakenMemory(engine.memory());
    }

    /** Takes more, or gives back a negative part of it. */
    void take(long more, String what) {
        budget.take(more, what);
        bytes += more;
    }

    long bytes() {
        return bytes;
    }

    @Override
    public void close() {
        budget.giveBack(bytes);
        bytes = 0;
    }
}
