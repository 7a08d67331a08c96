package dev.nibble.cpu.repack;

import dev.nibble.cpu.pool.WorkerPool;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.OptionalLong;
import java.util.zip.CRC32C;

/**
 * A file of rearranged weights, read into memory that others allocate. All numbers are little-endian.
 *
 * <pre>
 *  0   8   "NBLREPCK"
 *  8   4   version of this format
 * 12   4   CRC-32C of the header from byte 16 on
 * 16   8   bytes of the header
 * 24   8   bytes of the file
 * 32  32   identity of the weights it was made from
 * 64   8   number of entries
 * 72       entries of 48 bytes: key of the weight (32), offset (8), bytes (8)
 *          CRC-32C (4) of each chunk of {@link #CHUNK_BYTES} of each copy, the last of a copy shorter, in the order of the entries
 *          copies
 * </pre>
 *
 * <p>An entry without bytes is that of a weight that cannot be rearranged. {@link RepackFileWriter} writes it.
 */
final class RepackFile implements AutoCloseable {
    static final long MAGIC = 0x4b4350_45524c424eL;
    static final int VERSION = 2;
    static final int FIXED_BYTES = 72;
    static final int ENTRY_BYTES = 48;
    static final int HASH_BYTES = 32;
    static final int MAX_ENTRIES = 1 << 20;

    /** What a thread reads at a time, and then checks while it is in the cache. */
    static final int CHUNK_BYTES = 1 << 20;

    private final FileChannel channel;
    private final Map<WeightKey, Entry> entries = new HashMap<>();

    /** What tells a weight from others: its digest, 32 bytes in hexadecimal digits. */
    record WeightKey(String digest) {}

    /** Says why a file is of no use. */
    static final class UnusableException extends IOException {
        private static final long serialVersionUID = 1L;

        /** Whether it is not what was written. */
        private final boolean isDamage;

        private UnusableException(String reason, boolean isDamage) {
            super(reason);
            this.isDamage = isDamage;
        }

        private static UnusableException damaged(String reason) {
            return new UnusableException(reason, true);
        }

        private static UnusableException outdated(String reason) {
            return new UnusableException(reason, false);
        }

        boolean isDamage() {
            return isDamage;
        }
    }

    /** A copy, and the checksums of its chunks. */
    private record Entry(long offset, long bytes, int[] checks) {}

    private RepackFile(FileChannel channel) {
        this.channel = channel;
    }

    /**
     * Opens a file.
     *
     * @param identity of the weights it must be made from
     * @throws java.nio.file.NoSuchFileException if there is no file
     * @throws UnusableException if its header is damaged, or it was made from something else
     */
    static RepackFile open(Path path, WeightKey identity) throws IOException {
        FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
        try {
            RepackFile file = new RepackFile(channel);
            file.readHeader(identity);
            return file;
        } catch (EOFException e) {
            channel.close();
            throw UnusableException.damaged("it ends too early");
        } catch (Throwable t) {
            channel.close();
            throw t;
        }
    }

    /** The bytes of a weight's copy, 0 if it cannot be rearranged; empty if the file does not know it. */
    OptionalLong bytes(WeightKey key) {
        Entry entry = entries.get(key);
        return entry == null ? OptionalLong.empty() : OptionalLong.of(entry.bytes);
    }

    /**
     * Reads a copy, in the threads of a pool.
     *
     * @param copy as many bytes as it has; they may hold anything after a failure
     * @throws UnusableException if it is damaged
     * @throws IllegalArgumentException if the file has no copy of these bytes
     */
    void read(WeightKey key, MemorySegment copy, WorkerPool pool) throws IOException {
        Entry entry = entries.get(key);
        if (entry == null || entry.bytes != copy.byteSize()) {
            throw new IllegalArgumentException("no copy of " + copy.byteSize() + " bytes");
        }
        try {
            pool.forEach(entry.checks.length, 1, (worker, from, to) -> {
                for (int chunk = from; chunk < to; chunk++) {
                    readChunk(entry, chunk, copy);
                }
            });
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    private void readChunk(Entry entry, int chunk, MemorySegment copy) {
        long at = (long) chunk * CHUNK_BYTES;
        ByteBuffer part = chunk(copy, chunk);
        try {
            readFully(part, entry.offset + at);
            if (check(part.flip()) != entry.checks[chunk]) {
                throw UnusableException.damaged("the weights from byte " + (entry.offset + at) + " on are damaged");
            }
        } catch (EOFException e) {
            throw new UncheckedIOException(UnusableException.damaged("it was cut short"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static int chunks(long bytes) {
        return Math.toIntExact(Math.ceilDiv(bytes, CHUNK_BYTES));
    }

    static ByteBuffer chunk(MemorySegment copy, int chunk) {
        long at = (long) chunk * CHUNK_BYTES;
        return copy.asSlice(at, Math.min(CHUNK_BYTES, copy.byteSize() - at)).asByteBuffer();
    }

    /** The CRC-32C of what remains in a buffer, whose position stays. */
    static int check(ByteBuffer bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes.duplicate());
        return (int) crc.getValue();
    }

    static int headerCheck(ByteBuffer header) {
        return check(header.slice(16, header.capacity() - 16));
    }

    /** Closes the file; what was read stays. */
    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e); // nothing was written to it
        }
    }

    private void readHeader(WeightKey identity) throws IOException {
        long size = channel.size();
        ByteBuffer fixed = read(FIXED_BYTES);
        if (fixed.getLong(0) != MAGIC) {
            throw UnusableException.damaged("it is not a file of rearranged weights");
        }
        if (fixed.getInt(8) != VERSION) {
            throw UnusableException.outdated("its format is version " + fixed.getInt(8) + ", not " + VERSION);
        }
        long bytes = fixed.getLong(16);
        long most = FIXED_BYTES + (long) MAX_ENTRIES * (ENTRY_BYTES + 4) + size / CHUNK_BYTES * 4;
        if (bytes < FIXED_BYTES || bytes > Math.min(size, most)) {
            throw UnusableException.damaged("its header is damaged: a length of " + bytes);
        }
        ByteBuffer header = read((int) bytes);
        if (headerCheck(header) != header.getInt(12)) {
            throw UnusableException.damaged("its header is damaged: the checksum is another one");
        }
        if (header.getLong(24) != size) {
            throw UnusableException.damaged("it has " + size + " bytes in place of " + header.getLong(24));
        }
        if (!key(header, 32).equals(identity)) {
            throw UnusableException.outdated("it was made from another state of the model file");
        }
        readEntries(header, size);
    }

    private void readEntries(ByteBuffer header, long size) throws UnusableException {
        long count = header.getLong(64);
        if (count < 0 || count > (header.capacity() - FIXED_BYTES) / ENTRY_BYTES) {
            throw UnusableException.damaged("its header is damaged: " + count + " entries");
        }
        int checkAt = FIXED_BYTES + (int) count * ENTRY_BYTES;
        for (int i = 0; i < count; i++) {
            int at = FIXED_BYTES + i * ENTRY_BYTES;
            long offset = header.getLong(at + HASH_BYTES);
            long bytes = header.getLong(at + HASH_BYTES + 8);
            boolean isInside = offset >= header.capacity() && offset <= size && bytes >= 0 && bytes <= size - offset;
            if (!isInside || chunks(bytes) > (header.capacity() - checkAt) / 4) {
                throw UnusableException.damaged("its header is damaged: entry " + i + " has " + bytes
                        + " bytes at byte " + offset + " of " + size);
            }
            int[] checks = new int[chunks(bytes)];
            header.slice(checkAt, 4 * checks.length)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .asIntBuffer()
                    .get(checks);
            checkAt += 4 * checks.length;
            entries.put(key(header, at), new Entry(offset, bytes, checks));
        }
    }

    private ByteBuffer read(int bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        readFully(buffer, 0);
        return buffer.flip();
    }

    private void readFully(ByteBuffer buffer, long offset) throws IOException {
        while (buffer.hasRemaining()) {
            if (channel.read(buffer, offset + buffer.position()) < 0) {
                throw new EOFException();
            }
        }
    }

    private static WeightKey key(ByteBuffer header, int at) {
        byte[] digest = new byte[HASH_BYTES];
        header.get(at, digest);
        return new WeightKey(HexFormat.of().formatHex(digest));
    }
}
