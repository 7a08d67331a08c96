package dev.nibble;

import dev.nibble.generate.Cancellation;
import dev.nibble.generate.TokenContext;
import dev.nibble.sampling.LogitsProcessor;
import java.lang.ref.Reference;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Who may use a session now: one thread at a time, as long as the session and its model are open. It owns the session's
 * context, which is freed when it is closed and no call uses it any more.
 */
final class SessionLock implements AutoCloseable {
    private final Object model;
    private final Loaded loaded;
    private final TokenContext context;
    /** Held during every call; never waited for. */
    private final ReentrantLock lock = new ReentrantLock();

    private volatile boolean closed;
    private volatile boolean freed;
    /** Whether the call that runs is in code of the user. */
    private volatile boolean inCallback;

    private volatile Cancellation running = new Cancellation(this::isClosed);

    /**
     * @param model kept from being freed while the session is used
     * @param loaded has the context
     */
    SessionLock(Object model, Loaded loaded, TokenContext context) {
        this.model = model;
        this.loaded = loaded;
        this.context = context;
    }

    /** That of another session of the model, which takes over its context; in a call. */
    SessionLock ofOther(TokenContext other) {
        return new SessionLock(model, loaded, loaded.add(other));
    }

    /**
     * Begins a call.
     *
     * @throws IllegalStateException if the session or the model is closed, or another call uses the session
     */
    void enter() {
        if (!tryEnter()) {
            throw new IllegalStateException(closed ? "the session is closed" : "the model is closed");
        }
    }

    /** As {@link #enter}; false if the session or the model is closed. */
    boolean tryEnter() {
        if (isClosed()) {
            return false;
        }
        if (lock.isHeldByCurrentThread() || !lock.tryLock()) {
            throw new IllegalStateException(
                    "the session is in use by another call; a session serves one thread at a time, open one for each");
        }
        if (!closed && loaded.tryEnter()) {
            return true;
        }
        leave();
        return false;
    }

    /** Ends a call. */
    void exit() {
        try {
            leave();
        } finally {
            loaded.exit();
            Reference.reachabilityFence(model);
        }
    }

    /** For what begins in a call: whether it has to stop. */
    Cancellation begin() {
        Cancellation cancellation = new Cancellation(this::isClosed);
        running = cancellation;
        return cancellation;
    }

    /** Asks what began last to stop, from any thread. */
    void cancel() {
        running.request();
    }

    /** Whether the calling thread is in a call of this session. */
    boolean isInside() {
        return lock.isHeldByCurrentThread();
    }

    /** Whether the session or its model was closed, were it that a call still runs. */
    boolean isClosed() {
        return closed || loaded.isClosed();
    }

    /** The options with callbacks that {@link #close} of other threads does not wait for. */
    GenerationOptions withCallbacks(GenerationOptions options) {
        List<LogitsProcessor> processors = options.logitsProcessors();
        PromptProgress progress = options.promptProgress();
        GenerationOptions result = options;
        if (!processors.isEmpty()) {
            result = result.withLogitsProcessors(
                    processors.stream().map(this::asCallback).toList());
        }
        return progress == PromptProgress.NONE ? result : result.withPromptProgress(asCallback(progress));
    }

    private LogitsProcessor asCallback(LogitsProcessor processor) {
        return (logits, tokens, count) -> {
            beginCallback();
            try {
                processor.process(logits, tokens, count);
            } finally {
                endCallback();
            }
        };
    }

    private PromptProgress asCallback(PromptProgress progress) {
        return (evaluated, total) -> {
            beginCallback();
            try {
                progress.evaluated(evaluated, total);
            } finally {
                endCallback();
            }
        };
    }

    private void beginCallback() {
        inCallback = true;
        loaded.beginCallback();
    }

    private void endCallback() {
        loaded.endCallback();
        inCallback = false;
    }

    /**
     * Waits for the call that runs, which ends as cancelled. From inside a call of the model, and where the call that runs is
     * in code of the user, it does not wait: that call frees what is here.
     */
    @Override
    public void close() {
        closed = true;
        running.request();
        freeIfIdle();
        if (!loaded.isInside()) {
            loaded.await(() -> freed || inCallback);
        }
    }

    /** Gives up the lock, and frees what {@link #close} could not while it was held. */
    private void leave() {
        lock.unlock();
        if (closed) {
            freeIfIdle();
        }
    }

    /** Frees the context unless a call runs, which does it when it ends. */
    private void freeIfIdle() {
        if (!lock.isHeldByCurrentThread() && lock.tryLock()) {
            try {
                loaded.close(context);
            } finally {
                freed = true;
                lock.unlock();
                loaded.signal();
            }
        }
    }
}
