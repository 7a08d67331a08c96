package dev.nibble.cpu.repack;

import static dev.nibble.cpu.repack.RepackFile.ENTRY_BYTES;
import static dev.nibble.cpu.repack.RepackFile.FIXED_BYTES;
import static dev.nibble.cpu.repack.RepackFile.HASH_BYTES;

import dev.nibble.cpu.repack.RepackFile.WeightKey;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * Writes a {@link RepackFile}: under another name, forced to the disk and then renamed, so that whoever opens it sees all of
 * it or none. What writers left that ended before that is removed by the next one.
 */
final class RepackFileWriter {
    /** Of a file's name while it is written: the finished file's, a random number, and this. */
    private static final String UNFINISHED = ".tmp";

    /** A writer locks its file right after making it; one that is younger may not be locked yet. */
    private static final Duration YOUNG = Duration.ofMinutes(1);

    /**
     * Files that this process writes. Opening and closing one of them elsewhere in the process would end its lock, which the system
     * keeps for a process and not for a channel.
     */
    private static final Set<Path> WRITING = ConcurrentHashMap.newKeySet();

    private RepackFileWriter() {}

    /** Writes a file in place of the one that may be there. */
    static void write(Path file, WeightKey identity, Map<WeightKey, MemorySegment> copies) throws IOException {
        Path target = file.toAbsolutePath();
        Path folder = target.resolveSibling("");
        Files.createDirectories(folder);
        removeUnfinished(folder);
        String number = Long.toHexString(ThreadLocalRandom.current().nextLong());
        Path unfinished = target.resolveSibling(target.getFileName() + "." + number + UNFINISHED);
        WRITING.add(unfinished);
        try {
            try (FileChannel channel =
                    FileChannel.open(unfinished, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                lock(channel); // freed with the channel
                write(channel, unfinished, identity, copies);
                channel.force(true);
            }
            Files.move(unfinished, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(unfinished);
            WRITING.remove(unfinished);
        }
    }

    /** The lock; null if others have it, or the file system has none. */
    private static @Nullable FileLock lock(FileChannel channel) {
        try {
            return channel.tryLock();
        } catch (IOException e) {
            return null;
        }
    }

    /** Removes files whose writers are no more: nobody has locked them. */
    private static void removeUnfinished(Path folder) {
        Instant limit = Instant.now().minus(YOUNG);
        try (DirectoryStream<Path> files =
                Files.newDirectoryStream(folder, "*" + RepackCache.SUFFIX + ".*" + UNFINISHED)) {
            for (Path file : files) {
                if (!WRITING.contains(file) && Files.isRegularFile(file)) {
                    removeIfAbandoned(file, limit);
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            // then they stay
        }
    }

    private static void removeIfAbandoned(Path file, Instant limit) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            if (Files.getLastModifiedTime(file).toInstant().isBefore(limit) && lock(channel) != null) {
                Files.delete(file);
            }
        } catch (IOException e) {
            // another writer removed it, or it is another user's
        }
    }

    private static void write(FileChannel channel, Path file, WeightKey identity, Map<WeightKey, MemorySegment> copies)
            throws IOException {
        ByteBuffer header = header(identity, copies);
        long size = header.getLong(24);
        long free = Files.getFileStore(file).getUsableSpace();
        if (free < size) {
            throw new IOException("no space left: " + size + " bytes are needed, " + free + " are free");
        }
        writeAll(channel, header, 0);
        long offset = header.capacity();
        for (MemorySegment copy : copies.values()) {
            for (int chunk = 0; chunk < RepackFile.chunks(copy.byteSize()); chunk++) {
                ByteBuffer part = RepackFile.chunk(copy, chunk);
                int bytes = part.remaining();
                writeAll(channel, part, offset);
                offset += bytes;
            }
        }
    }

    private static ByteBuffer header(WeightKey identity, Map<WeightKey, MemorySegment> copies) {
        long bytes = FIXED_BYTES;
        for (MemorySegment copy : copies.values()) {
            bytes += ENTRY_BYTES + 4L * RepackFile.chunks(copy.byteSize());
        }
        ByteBuffer header = ByteBuffer.allocate(Math.toIntExact(bytes)).order(ByteOrder.LITTLE_ENDIAN);
        header.putLong(0, RepackFile.MAGIC).putInt(8, RepackFile.VERSION).putLong(16, bytes);
        putKey(header, 32, identity);
        header.putLong(64, copies.size());
        long offset = bytes;
        int at = FIXED_BYTES;
        int checkAt = FIXED_BYTES + copies.size() * ENTRY_BYTES;
        for (Map.Entry<WeightKey, MemorySegment> entry : copies.entrySet()) {
            MemorySegment copy = entry.getValue();
            putKey(header, at, entry.getKey());
            header.putLong(at + HASH_BYTES, offset).putLong(at + HASH_BYTES + 8, copy.byteSize());
            for (int chunk = 0; chunk < RepackFile.chunks(copy.byteSize()); chunk++) {
                header.putInt(checkAt, RepackFile.check(RepackFile.chunk(copy, chunk)));
                checkAt += 4;
            }
            offset += copy.byteSize();
            at += ENTRY_BYTES;
        }
        header.putLong(24, offset);
        return header.putInt(12, RepackFile.headerCheck(header));
    }

    private static void writeAll(FileChannel channel, ByteBuffer bytes, long offset) throws IOException {
        long to = offset;
        while (bytes.hasRemaining()) {
            to += channel.write(bytes, to);
        }
    }

    private static void putKey(ByteBuffer header, int at, WeightKey key) {
        header.put(at, HexFormat.of().parseHex(key.digest()));
    }
}
