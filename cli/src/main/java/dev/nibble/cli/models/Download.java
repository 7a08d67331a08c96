package dev.nibble.cli.models;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/** Downloads one file: resumes what an earlier attempt left, checks size and hash, and moves it into place at once. */
final class Download {
    private static final int ATTEMPTS = 5;

    private final Http http;
    private final Reporter reporter;
    private final Duration patience;

    /**
     * @param patience how long a server may send nothing before the connection is given up and tried again
     */
    Download(Http http, Reporter reporter, Duration patience) {
        this.http = http;
        this.reporter = reporter;
        this.patience = patience;
    }

    /**
     * What to get.
     *
     * @param name for the user
     * @param uri where it is
     * @param headers of the requests
     * @param size its bytes
     * @param hash what its content must have
     */
    record Source(String name, URI uri, Map<String, String> headers, long size, Hash hash) {}

    /**
     * Downloads to {@code target}. The unfinished file is {@code target} with {@code .part} appended; the caller holds
     * a lock.
     *
     * @throws ModelNotFoundException if the server refuses it or sends something else
     * @throws UnreachableException if the server does not answer
     */
    void to(Path target, Source source) throws IOException {
        Path part = target.resolveSibling(target.getFileName() + ".part");
        Files.createDirectories(folder(part));
        NoSpaceException.require(source.name(), folder(part), source.size() - size(part));
        try (Reporter.Progress progress = reporter.start(source.name(), source.size())) {
            int attempt = 1;
            while (true) {
                long before = size(part);
                try {
                    transfer(part, source, progress);
                    break;
                } catch (Interrupted e) {
                    // An attempt that got something does not count: slow lines get there in the end.
                    attempt = size(part) > before ? 1 : attempt + 1;
                    if (attempt > ATTEMPTS) {
                        throw new UnreachableException(
                                source.name() + ": the download stopped at " + size(part) + " of " + source.size()
                                        + " bytes (" + e.getMessage() + "); run the command again to continue",
                                e);
                    }
                }
            }
        }
        Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
    }

    private static Path folder(Path part) {
        return part.toAbsolutePath().resolveSibling(".").normalize();
    }

    private static long size(Path part) throws IOException {
        return Files.exists(part) ? Files.size(part) : 0;
    }

    /** A connection that broke off; what arrived stays in the file. */
    private static final class Interrupted extends IOException {
        private static final long serialVersionUID = 1L;

        Interrupted(String message) {
            super(message);
        }
    }

    private void transfer(Path part, Source source, Reporter.Progress progress) throws IOException {
        String found = receiveRest(part, source, progress);
        if (!found.equals(source.hash().hex())) {
            Files.delete(part);
            throw new ModelNotFoundException(source.name() + ": the downloaded file is damaged (its hash is " + found
                    + ", expected " + source.hash().hex() + "); it was deleted, try again");
        }
    }

    /** Completes the file and returns its hash. */
    private String receiveRest(Path part, Source source, Reporter.Progress progress) throws IOException {
        try (FileChannel file =
                FileChannel.open(part, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            MessageDigest digest = source.hash().start(source.size());
            if (file.size() > source.size()) {
                file.truncate(0);
            }
            readBack(file, digest);
            progress.at(file.size());
            if (file.size() < source.size()) {
                receive(file, folder(part), source, digest, progress);
            }
            return HexFormat.of().formatHex(digest.digest());
        }
    }

    private void receive(FileChannel file, Path folder, Source source, MessageDigest digest, Reporter.Progress progress)
            throws IOException {
        long start = file.size();
        Map<String, String> headers = new java.util.HashMap<>(source.headers());
        if (start > 0) {
            headers.put("Range", "bytes=" + start + "-");
        }
        try (Http.Answer answer = http.open(source.uri(), headers, patience)) {
            if (start > 0 && (answer.status() == 200 || answer.status() == 416)) {
                // The server does not continue files: from the beginning, with the next request if need be.
                file.truncate(0);
                file.position(0);
                digest.reset();
                source.hash().begin(digest, source.size());
                if (answer.status() == 416) {
                    throw new Interrupted("the server could not continue the file");
                }
                start = 0;
            } else if (answer.status() == 206) {
                String range = answer.header("content-range").orElse("");
                if (!range.toLowerCase(Locale.ROOT).startsWith("bytes " + start + "-")) {
                    throw new ModelNotFoundException(source.name() + ": asked for the bytes from " + start
                            + " on, the server sent '" + range + "'");
                }
            } else if (answer.status() >= 500 || answer.status() == 429) {
                throw new Interrupted("the server answered " + answer.status());
            } else if (answer.status() != 200) {
                throw new ModelNotFoundException(
                        source.name() + ": " + source.uri().getHost() + " answered " + answer.status());
            }
            long announced =
                    answer.header("content-length").map(Download::toLong).orElse(-1L);
            if (announced >= 0 && announced != source.size() - start) {
                throw new ModelNotFoundException(source.name() + ": the server announces " + (announced + start)
                        + " bytes, but the file should have " + source.size());
            }
            copy(answer.body(), file, folder, source, digest, progress);
        }
    }

    private static long toLong(String text) {
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            return -1;
        }
    }

    private void copy(
            InputStream body,
            FileChannel file,
            Path folder,
            Source source,
            MessageDigest digest,
            Reporter.Progress progress)
            throws IOException {
        byte[] buffer = new byte[1 << 18];
        long received = file.size();
        try (Watchdog watchdog = new Watchdog(body, patience)) {
            while (received < source.size()) {
                int count;
                try {
                    count = body.read(buffer, 0, (int) Math.min(buffer.length, source.size() - received));
                } catch (IOException e) {
                    throw new Interrupted(watchdog.fired() ? "nothing came any more" : String.valueOf(e.getMessage()));
                }
                if (count < 0) {
                    throw new Interrupted("the connection ended early");
                }
                watchdog.feed();
                digest.update(buffer, 0, count);
                ByteBuffer bytes = ByteBuffer.wrap(buffer, 0, count);
                try {
                    while (bytes.hasRemaining()) {
                        file.write(bytes);
                    }
                } catch (IOException e) {
                    throw NoSpaceException.of(e, source.name(), folder);
                }
                received += count;
                progress.at(received);
            }
        }
    }

    /** Hashes what an earlier attempt left and puts the position behind it. */
    private static void readBack(FileChannel file, MessageDigest digest) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(1 << 18);
        while (file.read(buffer) >= 0) {
            digest.update(buffer.flip());
            buffer.clear();
        }
    }

    /** Closes a stream that has been quiet for too long, which ends the read that waits for it. */
    private static final class Watchdog implements AutoCloseable {
        private final AtomicLong lastFed = new AtomicLong(System.nanoTime());
        private final AtomicBoolean fired = new AtomicBoolean();
        private final Thread thread;

        Watchdog(InputStream stream, Duration patience) {
            thread = Thread.ofVirtual().start(() -> {
                try {
                    long quiet = 0;
                    while (quiet < patience.toNanos()) {
                        Thread.sleep(Duration.ofNanos(patience.toNanos() - quiet));
                        quiet = System.nanoTime() - lastFed.get();
                    }
                    fired.set(true);
                    stream.close();
                } catch (InterruptedException | IOException e) {
                    // Finished, or closed by the other side.
                }
            });
        }

        void feed() {
            lastFed.set(System.nanoTime());
        }

        boolean fired() {
            return fired.get();
        }

        @Override
        public void close() {
            thread.interrupt();
        }
    }
}
