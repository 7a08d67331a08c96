package dev.nibble.generate;

import java.util.function.BooleanSupplier;

/**
 * Whether a call has to stop: it was asked to, once, by any thread, or what it uses is being closed, or the thread that
 * asks, which is the one that called, was interrupted.
 */
public final class Cancellation implements BooleanSupplier {
    private final BooleanSupplier closed;
    private volatile boolean requested;

    /**
     * @param closed whether what the call uses is being closed
     */
    public Cancellation(BooleanSupplier closed) {
        this.closed = closed;
    }

    /** Asks whoever watches this to stop. */
    public void request() {
        requested = true;
    }

    /** Whether to stop. The flag of an interrupted thread is kept. */
    @Override
    public boolean getAsBoolean() {
        return requested || closed.getAsBoolean() || Thread.currentThread().isInterrupted();
    }
}
