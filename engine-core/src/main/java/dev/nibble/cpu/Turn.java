package dev.nibble.cpu;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * Whose turn it is: one thread at a time, in the order of asking, else one that decodes would keep all others from their
 * first token. Waiting can be given up. Taking allocates nothing once the queue has grown.
 */
final class Turn {
    /** How long a cancellation may stay unseen by a thread that waits; an interrupt wakes it. */
    private static final long CANCELLATION_NANOS = 50_000_000;

    /** The thread whose turn it is, then those that wait; guarded by itself. */
    private final Queue<Thread> threads = new ArrayDeque<>();

    /**
     * Waits for the calling thread's turn.
     *
     * @throws CancellationException if {@code cancelled} came to say true while it waited
     * @throws IllegalStateException if it has the turn
     */
    void take(BooleanSupplier cancelled) {
        Thread caller = Thread.currentThread();
        synchronized (threads) {
            if (threads.peek() == caller) {
                throw new IllegalStateException("a forward pass cannot evaluate or be closed while it evaluates: its"
                        + " observer, or what it asks whether to cancel, called it");
            }
            threads.add(caller);
        }
        boolean interrupted = false;
        try {
            while (!isFirst(caller)) {
                if (cancelled.getAsBoolean()) {
                    throw new CancellationException("the evaluation was cancelled while it waited for its turn");
                }
                LockSupport.parkNanos(this, CANCELLATION_NANOS);
                if (cancelled.getAsBoolean()) {
                    continue;
                }
                interrupted |= Thread.interrupted(); // else parking would return at once, again and again
            }
        } catch (Throwable t) {
            leave(caller);
            throw t;
        } finally {
            if (interrupted) {
                caller.interrupt();
            }
        }
    }

    /** Ends the calling thread's turn. */
    void give() {
        leave(Thread.currentThread());
    }

    private boolean isFirst(Thread thread) {
        synchronized (threads) {
            return threads.peek() == thread;
        }
    }

    private void leave(Thread thread) {
        Thread next;
        synchronized (threads) {
            threads.remove(thread);
            next = threads.peek();
        }
        LockSupport.unpark(next);
    }
}
