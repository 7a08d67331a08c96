package dev.nibble.generate;

import dev.nibble.KvBudgetException;
import dev.nibble.ModelStats;
import dev.nibble.OutOfMemoryException;
import dev.nibble.OutOfMemoryException.Remedy;
import dev.nibble.memory.BudgetLine;
import dev.nibble.memory.ByteCount;
import dev.nibble.memory.MemoryBudget;
import dev.nibble.memory.SystemMemory;
import dev.nibble.memory.SystemMemory.Room;
import dev.nibble.spi.ForwardPass;
import dev.nibble.spi.Sequence;
import dev.nibble.spi.SequenceMemory;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

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

    /** How often who waits for memory looks whether there is some: nobody has to tell, whatever gave it back. */
    private static final long POLL_NANOS = 5_000_000;

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

    /** How long a session waits for what others hold. */
    private final Duration wait;

    /**
     * @param engine budget of the engine
     * @param limit of the model, in bytes; empty for none
     * @param planned bytes of a session's context; without a limit no more is kept for later sessions
     * @param wait how long a session waits for what others hold
     */
    public KvMemory(
            ForwardPass pass,
            SystemMemory system,
            MemoryBudget engine,
            OptionalLong limit,
            long planned,
            Duration wait,
            PrefixCache cache) {
        this.pass = pass;
        this.system = system;
        this.engine = engine;
        this.limit = limit;
        this.cache = cache;
        this.wait = wait;
        budget = MemoryBudget.ofSessions(limit);
        long wanted = Math.max(planned, LEAST_KEPT);
        kept = limit.orElseGet(() -> Math.min(
                wanted, system.allocatable().map(room -> room.bytes() / 2).orElse(wanted)));
    }

    /** A snapshot with what sequences and prefixes have now. */
    public ModelStats addTo(ModelStats stats) {
        return stats.withKvCache(pass.heldBytes(), cache.reclaimableBytes(), limit.orElse(kept))
                .withPrefixes(cache.hits(), cache.sharedTokens());
    }

    @Override
    public void take(long bytes, int tokens) {
        long above = budget.taken() + bytes - kept;
        if (above > 0) {
            cache.evict(above, false);
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
            if (bytes > free && !giveUp(from, bytes - free)) {
                throw refused(from, free, bytes, tokens);
            }
        }
    }

    /** Drops what is kept for later: here, and where the memory is not the model's alone, in other models of the engine. */
    private boolean giveUp(MemoryBudget from, long bytes) {
        // the caller may be at handing on what is kept here, and so may others there
        return cache.evict(bytes, false)
                || (from == engine && engine.reclaim(bytes, cache, !cache.isInUseHere()))
                || cache.evict(bytes, true);
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
            if (!giveUp(engine, needed - room.get().bytes())) {
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
            long free = free(each) + unusedBytes(each);
            boolean mayCome = !wait.isZero() && bytes <= each.limit().orElse(Long.MAX_VALUE);
            if (bytes > free && !mayCome) {
                throw refused(each, free, bytes, tokens);
            }
        }
    }

    /** A session that will take memory. */
    BudgetLine.Member join() {
        return engine.line().join(budget);
    }

    /** A session that has given back its memory. */
    void leave(BudgetLine.Member member) {
        engine.line().leave(member);
    }

    /**
     * Makes room in a sequence, as soon as others have given back what it needs.
     *
     * @param refusal why there is no room now
     * @throws KvBudgetException if nothing is given back in time, or all wait for each other
     * @throws CancellationException if cancelled or interrupted
     */
    void await(
            BudgetLine.Member member,
            Sequence sequence,
            int length,
            KvBudgetException refusal,
            Cancellation cancellation) {
        if (wait.isZero()) {
            throw refusal;
        }
        long begin = System.nanoTime();
        KvBudgetException last = refusal;
        cancellation.wakes(Thread.currentThread());
        try {
            while (true) {
                AtomicReference<KvBudgetException> lack = new AtomicReference<>(last);
                if (engine.line().take(member, () -> tryReserve(sequence, length, lack))) {
                    return;
                }
                last = lack.get();
                MemoryBudget lacking = last.remedies().contains(budget.remedy()) ? budget : engine;
                if (engine.line().isStuck(member, lacking)) {
                    throw refused(last, "all other sessions wait for memory too, and this is the youngest");
                }
                long waited = System.nanoTime() - begin;
                if (waited >= wait.toNanos()) {
                    throw refused(last, "no other gave back enough in " + wait.toMillis() + " ms");
                }
                if (cancellation.getAsBoolean()) {
                    throw new CancellationException("the evaluation was cancelled while it waited for memory");
                }
                LockSupport.parkNanos(this, Math.min(POLL_NANOS, wait.toNanos() - waited));
            }
        } finally {
            cancellation.wakes(null);
            engine.line().giveUp(member);
        }
    }

    private static boolean tryReserve(Sequence sequence, int length, AtomicReference<KvBudgetException> lack) {
        try {
            sequence.reserve(length);
            return true;
        } catch (KvBudgetException e) {
            lack.set(e);
            return false;
        }
    }

    private static KvBudgetException refused(KvBudgetException last, String why) {
        return new KvBudgetException(
                last.facts() + "; it waited, but " + why,
                last.remedies(),
                last.requestedBytes(),
                last.requestedTokens(),
                last.freeBytes());
    }

    /** What a session may hope for of the tighter of the budgets, if there is one: where it waits, all of it. */
    Optional<Room> room() {
        MemoryBudget tightest = tightest();
        return tightest.room().map(room -> new Room(hope(tightest), room.limit()));
    }

    /** What would help where that is too little. */
    Remedy remedy() {
        return tightest().remedy();
    }

    private long hope(MemoryBudget from) {
        return wait.isZero() ? free(from) : from.limit().orElse(Long.MAX_VALUE);
    }

    private MemoryBudget tightest() {
        return hope(budget) <= hope(engine) ? budget : engine;
    }

    /** Of {@link #room}, bytes that are only kept for later sessions. */
    long unusedBytes() {
        return unusedBytes(tightest());
    }

    /** Bytes that the models of the engine only keep for later sessions. */
    long unusedBytesOfAll() {
        return unusedBytes(engine);
    }

    private long unusedBytes(MemoryBudget of) {
        return of == engine ? engine.reclaimableBytes() : cache.reclaimableBytes();
    }

    @Override
    public void giveBack(long bytes) {
        engine.giveBack(bytes);
        budget.giveBack(bytes);
    }
}
