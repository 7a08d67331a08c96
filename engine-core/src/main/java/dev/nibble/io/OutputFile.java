package dev.nibble.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A file that appears under its name only when it is whole: it is written under another name in the same folder, brought
 * to the disk and renamed. Until then, and after any failure, what the name stood for is untouched.
 *
 * <pre>{@code
 * try (OutputFile file = OutputFile.create(path, bytes)) {
 *     file.channel().write(buffer);
 *     file.commit();
 * }
 * }</pre>
 *
 * <p>It takes the place of a regular file or of nothing, and of a symbolic link's target where that is a regular file (the
 * link stays a link); a folder, a pipe, a socket or a device is refused. Failures are {@link IOException}s that name the
 * file. Used by one thread.
 */
public final class OutputFile implements AutoCloseable {
    private static final int TYPE_BITS = 0xF000;
    private static final int PIPE = 0x1000;
    private static final int CHARACTER_DEVICE = 0x2000;
    private static final int BLOCK_DEVICE = 0x6000;
    private static final int SOCKET = 0xC000;

    private static final Set<Path> UNFINISHED = ConcurrentHashMap.newKeySet();

    private final Path name;
    private final Path target;
    private final Path part;
    private final FileChannel file;
    private final Channel channel = new Channel();

    private OutputFile(Path name, Path target, Path part, FileChannel file) {
        this.name = name;
        this.target = target;
        this.part = part;
        this.file = file;
    }

    /** As {@link #create(Path, long)} where the size is not known beforehand. */
    public static OutputFile create(Path name) throws IOException {
        return create(name, 0);
    }

    /**
     * Begins a file.
     *
     * @param name what it is to be called
     * @param bytes how large it will be at least
     * @throws IOException if it cannot be written there, or there is no room for it; nothing has changed then
     */
    @SuppressWarnings("MustBeClosedChecker") // the result closes the channel
    public static OutputFile create(Path name, long bytes) throws IOException {
        Path target = target(name);
        Path folder = target.toAbsolutePath().getParent();
        if (folder == null || !Files.isDirectory(folder)) {
            throw new IOException(name + " cannot be written: there is no folder " + folder);
        }
        long free = Files.getFileStore(folder).getUsableSpace();
        if (free > 0 && free < bytes) { // some file systems do not know, and say 0
            throw new IOException(name + " cannot be written: it needs " + bytes + " bytes, and only " + free
                    + " are free in " + folder);
        }
        while (true) {
            Path part = folder.resolve(String.format(
                    Locale.ROOT, ".nibble-%016x.part", ThreadLocalRandom.current().nextLong()));
            UNFINISHED.add(part);
            try {
                FileChannel file = FileChannel.open(
                        part, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE);
                return new OutputFile(name, target, part, file);
            } catch (FileAlreadyExistsException e) {
                UNFINISHED.remove(part); // somebody else's: the next name
            } catch (IOException e) {
                UNFINISHED.remove(part);
                throw failure(name, "no file can be made in " + folder, e);
            }
        }
    }

    /** The regular file, or the place where nothing is, that a name leads to. */
    private static Path target(Path name) throws IOException {
        Path target = name;
        if (Files.isSymbolicLink(name)) {
            if (!Files.exists(name)) {
                throw new IOException(
                        name + " cannot be written: it is a symbolic link to " + Files.readSymbolicLink(name)
                                + ", which is not there; name that file itself");
            }
            target = name.toRealPath();
        }
        if (Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
            if (!Files.isRegularFile(target, LinkOption.NOFOLLOW_LINKS)) {
                throw new IOException(
                        name + " cannot be written: it is " + kind(target) + ", not a file; choose another name");
            }
            if (!Files.isWritable(target)) {
                throw new IOException(name + " cannot be written: the file is there and write-protected");
            }
        }
        return target;
    }

    private static String kind(Path path) throws IOException {
        if (Files.isDirectory(path)) {
            return "a folder";
        }
        try {
            return switch ((int) Files.getAttribute(path, "unix:mode") & TYPE_BITS) {
                case PIPE -> "a named pipe";
                case SOCKET -> "a socket";
                case CHARACTER_DEVICE, BLOCK_DEVICE -> "a device";
                default -> "something special";
            };
        } catch (UnsupportedOperationException e) {
            return "something special";
        }
    }

    /** Where the bytes go; a write takes all of them. The one to use unless positions are needed. */
    public WritableByteChannel channel() {
        return channel;
    }

    /** The open file, readable and writable at any position. */
    public FileChannel file() {
        return file;
    }

    /** Brings all bytes to the disk and gives the file its name. */
    public void commit() throws IOException {
        finish();
        place();
    }

    /** Brings all bytes to the disk; {@link #place} is what remains to be done, once others are finished too. */
    public void finish() throws IOException {
        try {
            file.force(true);
            file.close();
        } catch (ClosedChannelException e) {
            throw e;
        } catch (IOException e) {
            throw channel.failed(e);
        }
    }

    /** Gives the finished file its name. */
    public void place() throws IOException {
        if (!target(name).equals(target)) { // it changed meanwhile
            throw new IOException(name + " cannot be written: it is another file than at the beginning");
        }
        try {
            keepPermissions();
            Files.move(part, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (AtomicMoveNotSupportedException e) {
            Files.move(part, target, StandardCopyOption.REPLACE_EXISTING);
        }
        UNFINISHED.remove(part);
    }

    private void keepPermissions() throws IOException {
        if (Files.exists(target)) {
            try {
                Files.setPosixFilePermissions(part, Files.getPosixFilePermissions(target));
            } catch (UnsupportedOperationException e) {
                return; // a file system without them
            }
        }
    }

    /** Deletes what was written, unless it has got its name. */
    @Override
    public void close() throws IOException {
        try {
            file.close();
        } finally {
            if (UNFINISHED.remove(part)) {
                Files.deleteIfExists(part);
            }
        }
    }

    /** Deletes what is being written at the moment: for the end of a process that is told to stop. */
    public static void deleteUnfinished() {
        for (Path part : UNFINISHED) {
            try {
                Files.deleteIfExists(part);
            } catch (IOException e) {
                continue; // nobody is left to be told
            }
        }
    }

    private static IOException failure(Path name, String what, IOException cause) {
        String reason = cause instanceof java.nio.file.FileSystemException system && system.getReason() != null
                ? system.getReason()
                : cause instanceof java.nio.file.AccessDeniedException ? "permission denied" : cause.getMessage();
        return new IOException(name + " cannot be written: " + what + ": " + reason, cause);
    }

    private final class Channel implements WritableByteChannel {
        private long written;

        @Override
        public int write(ByteBuffer bytes) throws IOException {
            int count = bytes.remaining();
            try {
                while (bytes.hasRemaining()) {
                    written += file.write(bytes);
                }
            } catch (ClosedChannelException e) {
                throw e; // an interrupt
            } catch (IOException e) {
                throw failed(e);
            }
            return count;
        }

        IOException failed(IOException cause) {
            return failure(name, "after " + written + " bytes", cause);
        }

        @Override
        public boolean isOpen() {
            return file.isOpen();
        }

        @Override
        public void close() throws IOException {
            file.close();
        }
    }
}
