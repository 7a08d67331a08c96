package dev.nibble.generate;

import dev.nibble.KvBudgetException;
import dev.nibble.KvCacheTypes;
import dev.nibble.OutOfMemoryException;
import dev.nibble.memory.BudgetLine;
import dev.nibble.spi.Sequence;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;

/** The memory that a context takes as it grows: asked for before it ends, and with it the process. Used by one thread at a time. */
final class ContextMemory {
    /** Tokens for which there is memory are counted in steps of so many, that not every token asks. */
    private static final int STEP = 256;

    private final @Nullable MemoryCheck check;
    private final KvCacheTypes types;
    /** For so many of the first tokens memory was taken. */
    private int checked;

    private long taken;
    /** Where the memory is counted as it is taken. */
    private final @Nullable KvMemory counted;

    private final BudgetLine.@Nullable Member member;

    /**
     * Nothing taken yet.
     *
     * @param check who is asked, if anyone
     */
    ContextMemory(@Nullable MemoryCheck check, KvCacheTypes types) {
        this.check = check;
        counted = check == null ? null : check.counted();
        member = counted == null ? null : counted.join();
        this.types = types;
    }

    /** Who is asked. */
    @Nullable MemoryCheck check() {
        return check;
    }

    /**
     * Checks that there is memory for the first {@code length} tokens.
     *
     * @param count tokens that there are
     * @param evaluated of these, and how many others have evaluated that can be shared
     * @throws OutOfMemoryException if there is not
     */
    void require(int length, int count, int evaluated, int shareable) {
        if (check != null) {
            int held = check.estimates() ? Math.max(count, checked) : evaluated;
            check.growth(Math.min(length, Math.max(held, shareable)), length, types);
        }
    }

    /**
     * Makes room for the first {@code tokens}; where the budget has none, waits for it as long as the model was told to.
     *
     * @throws OutOfMemoryException if there is none
     * @throws CancellationException if cancelled while it waits
     */
    void grow(Sequence sequence, int tokens, int capacity, Cancellation cancellation) {
        try {
            sequence.reserve(tokens);
        } catch (KvBudgetException e) {
            if (counted == null || member == null) {
                throw e;
            }
            counted.await(member, sequence, tokens, e, cancellation);
        }
        take(tokens, capacity);
    }

    /** Takes what the first {@code tokens} need, in steps up to the capacity. */
    private void take(int tokens, int capacity) {
        if (check != null && check.estimates() && tokens > checked) {
            int step = (int) Math.min(capacity, Math.ceilDiv((long) tokens, STEP) * STEP);
            taken += check.take(checked, step, types);
            checked = step;
        }
    }

    /** Gives everything back. */
    void giveBack() {
        if (counted != null && member != null) {
            counted.leave(member);
        }
        if (check != null) {
            check.giveBack(taken);
            taken = 0;
        }
    }
}
