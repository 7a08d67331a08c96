package dev.nibble.generate;

import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Whether a call has to stop: it was asked to, once, by any thread, or what it uses is being closed, or the thread that
 * asks, which is the one that called, was interrupted.
 */
public final class Cancellation implements BooleanSupplier {
    private final BooleanSupplier closed;
    private volatile boolean requested;
    private volatile @Nullable Thread waiting;

    /**
     * @param closed whether what the call uses is being closed
     */
    public Cancellation(BooleanSupplier closed) {
        this.closed = closed;
    }

    /** Asks whoever watches this to stop. */
    public void request() {
        requested = true;
        LockSupport.unpark(waiting);
    }

    /** Which thread parks until something happens; null if none does. */
    void wakes(@Nullable Thread thread) {
        waiting = thread;
    }

    /** Whether it was asked for, or what the call uses is being closed: what every thread sees alike. */
    boolean isRequested() {
        return requested || closed.getAsBoolean();
    }

    /** Whether to stop. The flag of an interrupted thread is kept. */
    @Override
    public boolean getAsBoolean() {
        return isRequested() || Thread.currentThread().isInterrupted();
    }
}
