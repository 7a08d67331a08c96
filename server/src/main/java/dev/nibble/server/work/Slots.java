package dev.nibble.server.work;

import dev.nibble.Priority;
import dev.nibble.server.http.Call;
import dev.nibble.server.http.ClientGoneException;
import dev.nibble.server.http.RequestException;
import dev.nibble.server.http.RequestException.Kind;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** How many answers are made at a time; who comes later waits in turn, and not too many do. Thread-safe. */
public final class Slots {
    private final int count;
    private final int mostWaiting;
    private final BitSet taken = new BitSet(); // guarded by this, as the others
    private final List<Turn> waiting = new ArrayList<>(); // the next one first
    private long rejected;

    /**
     * @param count answers at a time
     * @param mostWaiting calls that may wait
     */
    public Slots(int count, int mostWaiting) {
        this.count = count;
        this.mostWaiting = mostWaiting;
    }

    private record Turn(Priority priority, CompletableFuture<Slot> slot) {}

    /** The right to make an answer. */
    public final class Slot implements AutoCloseable {
        private final int index;
        private boolean open = true;

        private Slot(int index) {
            this.index = index;
        }

        /** Which one it is, from 0. */
        public int index() {
            return index;
        }

        @Override
        public void close() {
            release(this);
        }
    }

    /** Waits for a turn as most do. */
    public Slot enter(Call call) {
        return enter(call, Priority.NORMAL);
    }

    /**
     * Waits for a turn.
     *
     * @param priority who has a higher one goes before those with a lower one
     * @throws RequestException if too many wait already
     * @throws ClientGoneException if the client leaves meanwhile
     */
    public Slot enter(Call call, Priority priority) {
        CompletableFuture<Slot> turn = new CompletableFuture<>();
        synchronized (this) {
            if (taken.cardinality() < count) {
                turn.complete(take());
            } else if (waiting.size() >= mostWaiting) {
                rejected++;
                throw RequestException.of(
                        Kind.BUSY, "the queue is full: " + mostWaiting + " requests wait; try again later");
            } else {
                int at = waiting.size();
                while (at > 0 && waiting.get(at - 1).priority().compareTo(priority) < 0) {
                    at--;
                }
                waiting.add(at, new Turn(priority, turn));
            }
        }
        call.whenGone(() -> turn.cancel(false));
        try {
            return turn.join();
        } catch (CompletionException | java.util.concurrent.CancellationException e) {
            synchronized (this) {
                waiting.removeIf(other -> other.slot() == turn);
            }
            throw call.gone();
        }
    }

    private Slot take() {
        int index = taken.nextClearBit(0);
        taken.set(index);
        return new Slot(index);
    }

    private synchronized void release(Slot slot) {
        if (!slot.open) {
            return;
        }
        slot.open = false;
        taken.clear(slot.index);
        while (taken.cardinality() < count && !waiting.isEmpty()) {
            Slot next = take();
            if (!waiting.removeFirst().slot().complete(next)) { // its client left
                next.open = false;
                taken.clear(next.index);
            }
        }
    }

    /** Answers at a time. */
    public int count() {
        return count;
    }

    /** Whether an answer is made in this one now. */
    public synchronized boolean isTaken(int index) {
        return taken.get(index);
    }

    /** Answers that are made now. */
    public synchronized int running() {
        return taken.cardinality();
    }

    /** Calls that wait. */
    public synchronized int waiting() {
        return waiting.size();
    }

    /** Calls that were refused as too many waited. */
    public synchronized long rejected() {
        return rejected;
    }
}
