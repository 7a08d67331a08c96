package dev.nibble.cpu;

import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.zip.CRC32C;

/**
 * A file of rearranged weights. All numbers are little-endian.
 *
 * <pre>
 *  0   8   "NBLREPCK"
 *  8   4   version of this format
 * 12   4   CRC-32C of the header from byte 16 on
 * 16   8   bytes of the header
 * 24   8   bytes of the file
 * 32  32   identity of the weights it was made from
 * 64   8   number of entries
 * 72       entries of 56 bytes: key of the weight (32), offset (8), bytes (8), check (8)
 *          copies, each at a multiple of 64 bytes
 * </pre>
 *
 * <p>An entry without bytes is that of a weight that cannot be rearranged. The check is the CRC-32C of {@link #SAMPLES}
 * parts of the copy: reading all of it would cost what the file is to save. A file is written under another name, forced
 * to the disk and renamed, so that whoever opens it sees all of it or none.
 */
final class RepackFile implements AutoCloseable {
    private static final long MAGIC = 0x4b4350_45524c424eL;
    private static final int VERSION = 1;
    private static final int FIXED_BYTES = 72;
    private static final int ENTRY_BYTES = 56;
    private static final int HASH_BYTES = 32;
    private static final int ALIGNMENT = 64;
    private static final int MAX_ENTRIES = 1 << 20;

    private static final int SAMPLES = 4;
    private static final int SAMPLE_BYTES = 4096;
    private static final int WRITE_BYTES = 1 << 26;

    /** Open as long as the file is mapped; unlike a channel it stays so when a thread is interrupted. */
    private final RandomAccessFile file;

    private final long size;
    private final Map<WeightKey, MemorySegment> copies;

    private RepackFile(RandomAccessFile file, long size, Map<WeightKey, MemorySegment> copies) {
        this.file = file;
        this.size = size;
        this.copies = copies;
    }

    /** What tells a weight from others: its digest, 32 bytes in hexadecimal digits. */
    record WeightKey(String digest) {}

    /** Says why a file is of no use. */
    static final class UnusableException extends IOException {
        private static final long serialVersionUID = 1L;

        UnusableException(String reason) {
            super(reason);
        }
    }

    private record Entry(WeightKey key, long offset, long bytes, long check) {}

    /**
     * Maps the copies in a file.
     *
     * @param identity of the weights they must be made from
     * @param arena unmaps them
     * @throws FileNotFoundException if there is no file, or it may not be read
     * @throws UnusableException if it is damaged or was made from something else
     */
    static RepackFile open(Path path, WeightKey identity, Arena arena) throws IOException {
        RandomAccessFile file = new RandomAccessFile(path.toFile(), "r");
        try {
            return new RepackFile(file, file.length(), map(file.getChannel(), identity, arena));
        } catch (EOFException e) {
            file.close();
            throw new UnusableException("it ends too early");
        } catch (Throwable t) {
            file.close();
            throw t;
        }
    }

    private static Map<WeightKey, MemorySegment> map(FileChannel channel, WeightKey identity, Arena arena)
            throws IOException {
        long size = channel.size();
        Entry[] entries = entries(header(channel, size), size, identity);
        for (Entry entry : entries) {
            if (check(channel, entry.offset, entry.bytes) != entry.check) {
                throw new UnusableException("the weights at byte " + entry.offset + " are damaged");
            }
        }
        MemorySegment all = channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena);
        Map<WeightKey, MemorySegment> copies = new LinkedHashMap<>();
        for (Entry entry : entries) {
            copies.put(entry.key, entry.bytes == 0 ? RepackMemory.NONE : all.asSlice(entry.offset, entry.bytes));
        }
        return copies;
    }

    /** The copies, mapped. */
    Map<WeightKey, MemorySegment> copies() {
        return copies;
    }

    /** Whether the file still has all bytes that are mapped; reading the others would end the process. */
    boolean isWhole() {
        try {
            return file.length() >= size;
        } catch (IOException e) {
            return false;
        }
    }

    /** Closes the file; what is mapped stays. */
    @Override
    public void close() {
        try {
            file.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The header, checked as a whole. */
    private static ByteBuffer header(FileChannel channel, long size) throws IOException {
        ByteBuffer fixed = read(channel, 0, FIXED_BYTES);
        if (fixed.getLong(0) != MAGIC) {
            throw new UnusableException("it is not a file of rearranged weights");
        }
        if (fixed.getInt(8) != VERSION) {
            throw new UnusableException("its format is version " + fixed.getInt(8) + ", not " + VERSION);
        }
        long bytes = fixed.getLong(16);
        if (bytes < FIXED_BYTES || bytes > Math.min(size, FIXED_BYTES + (long) MAX_ENTRIES * ENTRY_BYTES)) {
            throw new UnusableException("its header is damaged: a length of " + bytes);
        }
        ByteBuffer header = read(channel, 0, (int) bytes);
        if (headerCheck(header) != header.getInt(12)) {
            throw new UnusableException("its header is damaged: the checksum is another one");
        }
        return header;
    }

    private static Entry[] entries(ByteBuffer header, long size, WeightKey identity) throws UnusableException {
        if (header.getLong(24) != size) {
            throw new UnusableException("it has " + size + " bytes in place of " + header.getLong(24));
        }
        if (!key(header, 32).equals(identity)) {
            throw new UnusableException("it was made from another state of the model file");
        }
        long count = header.getLong(64);
        if (count < 0 || count > MAX_ENTRIES || header.capacity() != FIXED_BYTES + count * ENTRY_BYTES) {
            throw new UnusableException("its header is damaged: " + count + " entries");
        }
        Entry[] entries = new Entry[(int) count];
        for (int i = 0; i < count; i++) {
            int at = FIXED_BYTES + i * ENTRY_BYTES;
            long offset = header.getLong(at + HASH_BYTES);
            long bytes = header.getLong(at + HASH_BYTES + 8);
            if (offset % ALIGNMENT != 0 || offset < header.capacity() || bytes < 0 || bytes > size - offset) {
                throw new UnusableException("its header is damaged: entry " + i + " has " + bytes + " bytes at byte "
                        + offset + " of " + size);
            }
            entries[i] = new Entry(key(header, at), offset, bytes, header.getLong(at + HASH_BYTES + 16));
        }
        return entries;
    }

    /** Writes a file in place of the one that may be there. */
    static void write(Path file, WeightKey identity, Map<WeightKey, MemorySegment> copies) throws IOException {
        Files.createDirectories(file.toAbsolutePath().getParent());
        Path unfinished = file.resolveSibling(file.getFileName() + "."
                + Long.toHexString(ThreadLocalRandom.current().nextLong()) + ".tmp");
        try {
            try (FileChannel channel = FileChannel.open(
                    unfinished, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                write(channel, unfinished, identity, copies);
                channel.force(true);
            }
            Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(unfinished);
        }
    }

    private static void write(FileChannel channel, Path file, WeightKey identity, Map<WeightKey, MemorySegment> copies)
            throws IOException {
        ByteBuffer header =
                ByteBuffer.allocate(FIXED_BYTES + copies.size() * ENTRY_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        long size = header.capacity();
        for (MemorySegment copy : copies.values()) {
            size = aligned(size) + copy.byteSize();
        }
        long free = Files.getFileStore(file).getUsableSpace();
        if (free < size) {
            throw new IOException("no space left: " + size + " bytes are needed, " + free + " are free");
        }
        header.putLong(0, MAGIC)
                .putInt(8, VERSION)
                .putLong(16, header.capacity())
                .putLong(24, size);
        putKey(header, 32, identity);
        header.putLong(64, copies.size());
        long offset = header.capacity();
        int at = FIXED_BYTES;
        for (Map.Entry<WeightKey, MemorySegment> entry : copies.entrySet()) {
            MemorySegment copy = entry.getValue();
            offset = aligned(offset);
            for (long from = 0; from < copy.byteSize(); from += WRITE_BYTES) {
                ByteBuffer part = copy.asSlice(from, Math.min(WRITE_BYTES, copy.byteSize() - from))
                        .asByteBuffer();
                writeAll(channel, part, offset + from);
            }
            putKey(header, at, entry.getKey());
            header.putLong(at + HASH_BYTES, offset)
                    .putLong(at + HASH_BYTES + 8, copy.byteSize())
                    .putLong(at + HASH_BYTES + 16, check(channel, offset, copy.byteSize()));
            offset += copy.byteSize();
            at += ENTRY_BYTES;
        }
        header.putInt(12, headerCheck(header));
        writeAll(channel, header.rewind(), 0);
    }

    private static long aligned(long offset) {
        return Math.ceilDiv(offset, ALIGNMENT) * ALIGNMENT;
    }

    private static void writeAll(FileChannel channel, ByteBuffer bytes, long offset) throws IOException {
        long to = offset;
        while (bytes.hasRemaining()) {
            to += channel.write(bytes, to);
        }
    }

    private static ByteBuffer read(FileChannel channel, long offset, int bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        while (buffer.hasRemaining()) {
            if (channel.read(buffer, offset + buffer.position()) < 0) {
                throw new EOFException();
            }
        }
        return buffer.flip();
    }

    private static int headerCheck(ByteBuffer header) {
        CRC32C crc = new CRC32C();
        crc.update(header.slice(16, header.capacity() - 16));
        return (int) crc.getValue();
    }

    /** Of parts of the copy from its first to its last bytes. */
    private static long check(FileChannel channel, long offset, long bytes) throws IOException {
        CRC32C crc = new CRC32C();
        int length = (int) Math.min(SAMPLE_BYTES, bytes);
        for (int i = 0; i < SAMPLES; i++) {
            crc.update(read(channel, offset + (bytes - length) * i / (SAMPLES - 1), length));
        }
        return crc.getValue();
    }

    private static WeightKey key(ByteBuffer header, int at) {
        byte[] digest = new byte[HASH_BYTES];
        header.get(at, digest);
        return new WeightKey(HexFormat.of().formatHex(digest));
    }

    private static void putKey(ByteBuffer header, int at, WeightKey key) {
        header.put(at, HexFormat.of().parseHex(key.digest));
    }
}
