package dev.nibble;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;

/** Work on a thread of its own, while the thread that began it does something else. */
final class BackgroundTask<T> implements AutoCloseable {
    private final CompletableFuture<T> future;

    private BackgroundTask(CompletableFuture<T> future) {
        this.future = future;
    }

    static <T> BackgroundTask<T> start(Supplier<T> work) {
        Thread.Builder thread = Thread.ofPlatform().daemon().name("nibble-loader");
        return new BackgroundTask<>(CompletableFuture.supplyAsync(work, thread::start));
    }

    /** Waits for the result, or throws what the work threw. */
    T result() {
        try {
            return future.join();
        } catch (CompletionException e) {
            switch (e.getCause()) {
                case RuntimeException exception -> throw exception;
                case Error error -> throw error;
                case null, default -> throw e;
            }
        }
    }

    /** Waits for the end, so that what the work uses can be closed. */
    @Override
    public void close() {
        future.exceptionally(thrown -> null).join();
    }
}
