package dev.nibble.generate;

import java.util.function.BooleanSupplier;

/** A request to stop, made once by any thread. */
public final class Cancellation implements BooleanSupplier {
    private volatile boolean requested;

    /** Asks whoever watches this to stop. */
    public void request() {
        requested = true;
    }

    /** Whether it was requested. */
    @Override
    public boolean getAsBoolean() {
        return requested;
    }
}
