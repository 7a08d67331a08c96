package dev.nibble.generate;

import dev.nibble.KvBudgetException;
import dev.nibble.ModelStats;
import dev.nibble.OutOfMemoryException;
import dev.nibble.OutOfMemoryException.Remedy;
import dev.nibble.memory.ByteCount;
import dev.nibble.memory.MemoryBudget;
import dev.nibble.memory.SystemMemory;
import dev.nibble.memory.SystemMemory.Room;
import dev.nibble.spi.ForwardPass;
import dev.nibble.spi.SequenceMemory;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The memory of a model's sequences, as they take it: within the model's budget, that of its engine, and what the system has. Where it
 * does not suffice, what is kept for later sessions is dropped, and then the one that asks is refused. Thread-safe.
 */
public final class KvMemory implements SequenceMemory {
    /** May be kept for later sessions even if a session of the model needs less. */
    private static final long LEAST_KEPT = 64_000_000;

    /** Tokens of a step of a generation at most; a prompt needs buffers too, and always asks. */
    private static final int STEP_TOKENS = 8;

    /** The part of the system's memory that may be taken unasked, as others take of it too. */
    private static final int ASKED_PART = 16;

    private final ForwardPass pass;
    private final SystemMemory system;
    private final MemoryBudget engine;
    private final MemoryBudget budget;
    private final OptionalLong limit;
    /** While sequences have more, nothing is kept for later. */
    private final long kept;

    private final PrefixCache cache;

    /** Bytes that sessions which generate may take before the system is asked again: asking reads a dozen files. */
    private final AtomicLong unasked = new AtomicLong();

    /**
     * @param engine budget of the engine
     * @param limit of the model, in bytes; empty for none
     * @param planned bytes of a session's context; without a limit no more is kept for later sessions
     */
    public KvMemory(
            ForwardPass pass,
            SystemMemory system,
            MemoryBudget engine,
            OptionalLong limit,
            long planned,
            PrefixCache cache) {
        this.pass = pass;
        this.system = system;
        this.engine = engine;
        this.limit = limit;
        this.cache = cache;
        budget = MemoryBudget.ofSessions(limit);
        long wanted = Math.max(planned, LEAST_KEPT);
        kept = limit.orElseGet(() -> Math.min(
                wanted, system.allocatable().map(room -> room.bytes() / 2).orElse(wanted)));
    }

    /** A snapshot with what sequences and prefixes have now. */
    public ModelStats addTo(ModelStats stats) {
        return stats.withKvCache(pass.heldBytes(), cache.unusedBytes(), limit.orElse(kept))
                .withPrefixes(cache.hits(), cache.sharedTokens());
    }

    @Override
    public void take(long bytes, int tokens) {
        long above = budget.taken() + bytes - kept;
        if (above > 0) {
            cache.evict(above);
        }
        takeFrom(budget, bytes, tokens);
        boolean taken = false;
        try {
            takeFrom(engine, bytes, tokens);
            try {
                requireSystem(bytes, tokens);
                taken = true;
            } finally {
                if (!taken) {
                    engine.giveBack(bytes);
                }
            }
        } finally {
            if (!taken) {
                budget.giveBack(bytes);
            }
        }
    }

    private void takeFrom(MemoryBudget from, long bytes, int tokens) {
        while (!from.tryTake(bytes)) {
            long free = free(from);
            if (bytes > free && !cache.evict(bytes - free)) {
                throw refused(from, free, bytes, tokens);
            }
        }
    }

    private static long free(MemoryBudget from) {
        return from.room().map(Room::bytes).orElse(Long.MAX_VALUE);
    }

    private static KvBudgetException refused(MemoryBudget from, long free, long bytes, int tokens) {
        int fitting = tokens == 0 ? 0 : (int) ((double) free * tokens / bytes);
        String room =
                from.room().map(left -> new Room(free, left.limit()).toString()).orElse("there is no more");
        return new KvBudgetException(
                "the KV cache of " + tokens + " more tokens needs " + ByteCount.text(bytes) + ", but " + room
                        + ", for about " + fitting + " tokens",
                List.of(from.remedy()),
                bytes,
                tokens,
                free);
    }

    private void requireSystem(long bytes, int tokens) {
        if (unasked.addAndGet(-bytes) >= 0 && tokens <= STEP_TOKENS) {
            return;
        }
        long needed = bytes + pass.bufferBytes(Math.min(tokens, pass.maxBatchRows())) + system.runtimeGrowth();
        Optional<Room> room = system.allocatable();
        while (room.isPresent() && needed > room.get().bytes()) {
            if (!cache.evict(needed - room.get().bytes())) {
                throw new OutOfMemoryException(
                        "the KV cache of " + tokens + " more tokens and their evaluation need " + ByteCount.text(needed)
                                + ", but " + room.get(),
                        List.of(Remedy.MORE_MEMORY),
                        0);
            }
            room = system.allocatable();
        }
        long left = room.map(Room::bytes).orElse(Long.MAX_VALUE) - needed;
        unasked.set(left / ASKED_PART);
    }

    /**
     * Checks that as much could be taken, if what is kept for later sessions were dropped.
     *
     * @throws KvBudgetException if it could not
     */
    void require(long bytes, int tokens) {
        for (MemoryBudget each : List.of(budget, engine)) {
            if (bytes <= free(each)) {
                continue;
            }
            long free = free(each) + cache.unusedBytes();
            if (bytes > free) {
                throw refused(each, free, bytes, tokens);
            }
        }
    }

    /** The tighter of the budgets, if there is one. */
    Optional<Room> room() {
        return tightest().room();
    }

    /** What would help where that is too little. */
    Remedy remedy() {
        return tightest().remedy();
    }

    private MemoryBudget tightest() {
        return free(budget) <= free(engine) ? budget : engine;
    }

    /** Bytes that are only kept for later sessions. */
    long unusedBytes() {
        return cache.unusedBytes();
    }

    @Override
    public void giveBack(long bytes) {
        engine.giveBack(bytes);
        budget.giveBack(bytes);
    }
}
