package dev.nibble.cli.models;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.locks.ReentrantLock;

/** Keeps two processes, or two threads of one, from getting the same model at once. */
final class FileLocks {
    // A file lock is held by the process, so its threads need one of their own.
    private static final ReentrantLock THREADS = new ReentrantLock();

    private FileLocks() {}

    /** Something done under a lock. */
    @FunctionalInterface
    interface Action<T> {
        T run() throws IOException;
    }

    /** Runs {@code action} while this process alone holds {@code lock}; says so if it has to wait for another. */
    static <T> T holding(Path lock, Reporter reporter, Action<T> action) throws IOException {
        Files.createDirectories(lock.toAbsolutePath().getParent());
        THREADS.lock();
        try (FileChannel channel = FileChannel.open(lock, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                FileLock held = acquire(channel, lock, reporter)) {
            assert held.isValid();
            return action.run();
        } finally {
            THREADS.unlock();
        }
    }

    private static FileLock acquire(FileChannel channel, Path lock, Reporter reporter) throws IOException {
        FileLock held = channel.tryLock();
        if (held == null) {
            reporter.say("Waiting for another process that is getting the same model (" + lock + ")");
            held = channel.lock();
        }
        return held;
    }
}
