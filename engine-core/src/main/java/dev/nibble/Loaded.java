package dev.nibble;

import dev.nibble.model.Model;
import dev.nibble.model.ModelSource;
import dev.nibble.spi.Backend;
import dev.nibble.spi.ForwardPass;
import dev.nibble.tokenizer.Tokenizer;
import java.lang.ref.Cleaner;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A loaded model: the one owner of its file, its backend, its compiled form and the contexts of its sessions, and the
 * count of the calls that use them. Everything is freed once, when it is closed and no call uses it any more. Thread-safe.
 */
final class Loaded implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger("dev.nibble");
    private static final Cleaner CLEANER = Cleaner.create();

    private final ModelSource source;
    private final Model model;
    private final Tokenizer tokenizer;
    private final Backend backend;
    private final ForwardPass pass;
    private final OpenParts parts;

    private final ReentrantLock lock = new ReentrantLock();
    /** What a thread that closes waits for may have come: a call ended or calls back, or something was freed. */
    private final Condition changed = lock.newCondition();
    /** The threads inside a call, one entry for each call; guarded by the lock, as are the next three. */
    private final List<Thread> callers = new ArrayList<>();
    /** How many of the calls run code of the user. */
    private int callbacks;

    private @Nullable Thread freeing;
    private boolean freed;
    /** Whether no call can begin any more; those that run end as if cancelled. */
    private volatile boolean closed;

    /**
     * @param parts what is open of the others, the source included
     */
    Loaded(ModelSource source, Model model, Tokenizer tokenizer, Backend backend, ForwardPass pass, OpenParts parts) {
        this.source = source;
        this.model = model;
        this.tokenizer = tokenizer;
        this.backend = backend;
        this.pass = pass;
        this.parts = parts;
    }

    ModelSource source() {
        return source;
    }

    Model model() {
        return model;
    }

    Tokenizer tokenizer() {
        return tokenizer;
    }

    Backend backend() {
        return backend;
    }

    ForwardPass pass() {
        return pass;
    }

    /** Takes over what a call opened beside; it is closed before the rest. */
    <T extends AutoCloseable> T add(T part) {
        return parts.add(part);
    }

    /** Closes what {@link #add} took over; no effect if it is closed. */
    void close(AutoCloseable part) {
        parts.close(part);
    }

    boolean isClosed() {
        return closed;
    }

    /** Begins a call that uses what is open; false if it is closed. */
    boolean tryEnter() {
        lock.lock();
        try {
            if (closed) {
                return false;
            }
            callers.add(Thread.currentThread());
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** As {@link #tryEnter}, but fails if it is closed. */
    void enter() {
        if (!tryEnter()) {
            throw new IllegalStateException("the model is closed");
        }
    }

    /** Ends a call; the last one frees everything if it was closed meanwhile. */
    void exit() {
        boolean mine;
        lock.lock();
        try {
            callers.remove(Thread.currentThread());
            mine = begins();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        if (mine) {
            try {
                free();
            } catch (RuntimeException e) { // the call has its own result
                LOG.log(System.Logger.Level.WARNING, source.name() + ": what was open could not be closed", e);
            }
        }
    }

    /** A call runs code of the user from now on: nobody who closes waits for it. */
    void beginCallback() {
        lock.lock();
        try {
            callbacks++;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    void endCallback() {
        lock.lock();
        try {
            callbacks--;
        } finally {
            lock.unlock();
        }
    }

    /** Waits until a condition holds, looking when a call ended or calls back, and when {@link #signal} is called. */
    void await(BooleanSupplier condition) {
        lock.lock();
        try {
            while (!condition.getAsBoolean()) {
                changed.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Wakes those that {@linkplain #await wait}. */
    void signal() {
        lock.lock();
        try {
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Whether the calling thread is inside a call, as callbacks are. */
    boolean isInside() {
        lock.lock();
        try {
            return callers.contains(Thread.currentThread());
        } finally {
            lock.unlock();
        }
    }

    /**
     * Ends the calls that run and frees everything. It waits for them, but not inside one of them, nor for one that runs
     * code of the user, which may itself wait for the thread that closes: then the last to end frees. Later calls do nothing
     * but wait likewise.
     */
    @Override
    public void close() {
        close(true);
    }

    private void close(boolean waits) {
        lock.lock();
        try {
            closed = true;
            if (!begins()) {
                boolean inside = callers.contains(Thread.currentThread()) || freeing == Thread.currentThread();
                if (waits && !inside) {
                    await(() -> freed || (!callers.isEmpty() && callers.size() == callbacks));
                }
                return;
            }
        } finally {
            lock.unlock();
        }
        free();
    }

    /** Whether the calling thread has to free what is open: it is closed, and neither in use nor freed. */
    private boolean begins() {
        if (!closed || freeing != null || !callers.isEmpty()) {
            return false;
        }
        freeing = Thread.currentThread();
        return true;
    }

    private void free() {
        try {
            parts.close();
        } finally {
            lock.lock();
            try {
                freed = true;
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }

    /** Frees what can be, with a warning, if {@code owner}, the only way to use this, becomes unreachable before it is closed. */
    void watch(Object owner) {
        CLEANER.register(owner, this::abandoned);
    }

    /** The file stays mapped: metadata and tokenizer, which may outlive their model, read it. */
    private void abandoned() {
        if (!closed) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "{0}: this model was never closed and can no longer be reached; its threads and its memory are freed"
                            + " now, but its file stays mapped. Close models, best in a try-with-resources statement",
                    source.name());
            parts.remove(source);
            close(false);
        }
    }
}
