package dev.nibble;

import dev.nibble.memory.MemoryBudget;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What any number of models share in a process: the threads that evaluate, and a memory budget. Models of all kinds take it in their {@link
 * LoadOptions}; those that are loaded without one share one of the process, so that an application with a model for chat and
 * one for embeddings need not care.
 *
 * <pre>{@code
 * try (Engine engine = Engine.open(EngineOptions.DEFAULT.withThreads(4));
 *         LanguageModel chat = LanguageModel.load(chatFile, LoadOptions.DEFAULT.withEngine(engine));
 *         EmbeddingModel search = EmbeddingModel.load(searchFile, LoadOptions.DEFAULT.withEngine(engine))) {
 *     …
 * }
 * }</pre>
 *
 * <p>Models that evaluate at the same time change places every few milliseconds, in the order in which they came. Threads
 * are daemon threads and idle without using a processor; they start with the first model. Thread-safe.
 */
public final class Engine implements AutoCloseable {
    private static final Engine SHARED = new Engine(EngineOptions.DEFAULT, false);

    private final EngineOptions options;
    private final MemoryBudget memory;
    /** Whether parts stay when no model uses them, until this is closed. */
    private final boolean keepsParts;

    private final Map<Class<?>, Part<?>> parts = new HashMap<>(); // guarded by this
    private boolean closed; // guarded by this

    private Engine(EngineOptions options, boolean keepsParts) {
        this.options = options;
        memory = new MemoryBudget(options.memoryBudget());
        this.keepsParts = keepsParts;
    }

    /** As {@link #open(EngineOptions)} with a thread for each physical core. */
    public static Engine open() {
        return open(EngineOptions.DEFAULT);
    }

    /** An engine without models. */
    public static Engine open(EngineOptions options) {
        return new Engine(Objects.requireNonNull(options, "options"), true);
    }

    /**
     * That of the models that are loaded without one. Its threads end with the last of its models; it cannot be closed.
     */
    public static Engine shared() {
        return SHARED;
    }

    /** What it was opened with. */
    public EngineOptions options() {
        return options;
    }

    /** Bytes that its models have now: those that {@link EngineOptions#withMemoryBudget} limits. */
    public long memoryUsed() {
        return memory.taken();
    }

    MemoryBudget memory() {
        return memory;
    }

    /**
     * Closes the engine: no model can be loaded with it any more, and when the last of its models is closed, which may have
     * been before, its threads end. Models that are open go on; so an engine and its models may be closed in any order, from
     * any thread, and it waits for nothing. Closing again, or closing {@link #shared()}, changes nothing.
     */
    @Override
    public void close() {
        if (keepsParts) {
            OpenParts unused = new OpenParts();
            synchronized (this) {
                closed = true;
                parts.values().removeIf(part -> {
                    if (part.users == 0) {
                        unused.add(part.value);
                    }
                    return part.users == 0;
                });
            }
            unused.close();
        }
    }

    /**
     * Fails if it is closed.
     *
     * @throws IllegalStateException if it is closed
     */
    synchronized void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the engine is closed");
        }
    }

    /**
     * For backends: a part of theirs that the models of this engine share, as threads or a device. It is opened by the first
     * that asks for it, and closed when the engine is closed and all shares are.
     *
     * @param type one part of each type
     * @param opening opens it; what it throws is thrown here
     * @throws IllegalStateException if the engine is closed
     */
    public synchronized <T extends AutoCloseable> Share<T> share(Class<T> type, Supplier<T> opening) {
        requireOpen();
        @Nullable Part<?> part = parts.get(type);
        if (part == null) {
            part = new Part<>(type.cast(opening.get()));
            parts.put(type, part);
        }
        part.users++;
        return new Share<>(this, type, type.cast(part.value));
    }

    private void release(Class<?> type) {
        OpenParts unused = new OpenParts();
        synchronized (this) {
            Part<?> part = Objects.requireNonNull(parts.get(type));
            part.users--;
            if (part.users == 0 && (closed || !keepsParts)) {
                parts.remove(type);
                unused.add(part.value);
            }
        }
        unused.close();
    }

    /** With what it was opened. */
    @Override
    public String toString() {
        return keepsParts ? "Engine[" + options + "]" : "Engine[shared]";
    }

    private static final class Part<T extends AutoCloseable> {
        final T value;
        int users;

        Part(T value) {
            this.value = value;
        }
    }

    /**
     * The use of a part that the models of an engine share, for backends.
     *
     * @param <T> the part
     */
    public static final class Share<T extends AutoCloseable> implements AutoCloseable {
        private final Engine engine;
        private final Class<T> type;
        private final T part;
        private boolean ended; // guarded by the engine

        private Share(Engine engine, Class<T> type, T part) {
            this.engine = engine;
            this.type = type;
            this.part = part;
        }

        /** The part, open as long as this share is not closed. */
        public T get() {
            return part;
        }

        /** Ends the use; the last one closes the part if the engine is closed. Closing again changes nothing. */
        @Override
        public void close() {
            synchronized (engine) {
                if (ended) {
                    return;
                }
                ended = true;
            }
            engine.release(type);
        }
    }
}
