package dev.nibble.generate;

import dev.nibble.KvCacheTypes;
import dev.nibble.OutOfMemoryException;
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

    /**
     * Nothing taken yet.
     *
     * @param check who is asked, if anyone
     */
    ContextMemory(@Nullable MemoryCheck check, KvCacheTypes types) {
        this.check = check;
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

    /** Takes what the first {@code tokens} need, in steps up to the capacity. */
    void take(int tokens, int capacity) {
        if (check != null && check.estimates() && tokens > checked) {
            int step = (int) Math.min(capacity, Math.ceilDiv((long) tokens, STEP) * STEP);
            taken += check.take(checked, step, types);
            checked = step;
        }
    }

    /** Gives everything back. */
    void giveBack() {
        if (check != null) {
            check.giveBack(taken);
            taken = 0;
        }
    }
}
