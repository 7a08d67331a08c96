package dev.nibble;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;

/** What was opened, one part after the other; closed in reverse, each part once, all of them even if one fails. Thread-safe. */
final class OpenParts implements AutoCloseable {
    private final Deque<AutoCloseable> parts = new ArrayDeque<>(); // guarded by this; the last opened is the first

    /** Takes over a part that is open. */
    synchronized <T extends AutoCloseable> T add(T part) {
        parts.push(part);
        return part;
    }

    /** Gives up a part, which stays open; false if it was closed or given up before. */
    synchronized boolean remove(AutoCloseable part) {
        for (Iterator<AutoCloseable> each = parts.iterator(); each.hasNext(); ) {
            if (each.next() == part) { // not equals: a part may be a record
                each.remove();
                return true;
            }
        }
        return false;
    }

    /** Closes one part; no effect if it was closed or given up before. */
    void close(AutoCloseable part) {
        if (remove(part)) {
            rethrow(closing(part, null));
        }
    }

    /** Closes all parts. The first failure is thrown when all are closed, the others are suppressed in it. */
    @Override
    public void close() {
        rethrow(closeAll(null));
    }

    /** Closes all parts after a failure, in which theirs are suppressed. */
    void closeAfter(Throwable failure) {
        closeAll(failure);
    }

    private @Nullable Throwable closeAll(@Nullable Throwable failure) {
        Throwable first = failure;
        for (AutoCloseable part = last(); part != null; part = last()) {
            first = closing(part, first);
        }
        return first;
    }

    private synchronized @Nullable AutoCloseable last() {
        return parts.poll();
    }

    /** The first failure so far: the given one, or that of closing the part. */
    private static @Nullable Throwable closing(AutoCloseable part, @Nullable Throwable failure) {
        try {
            part.close();
        } catch (Throwable t) {
            if (failure == null) {
                return t;
            }
            if (t != failure) {
                failure.addSuppressed(t);
            }
        }
        return failure;
    }

    private static void rethrow(@Nullable Throwable failure) {
        switch (failure) {
            case null -> {}
            case RuntimeException exception -> throw exception;
            case Error error -> throw error;
            default -> throw new IllegalStateException("what was open could not be closed: " + failure, failure);
        }
    }
}
