package dev.nibble.gguf;

import dev.nibble.ModelFormatException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** A position in a mapped file: little-endian reads that check what remains first, and failures that say where. */
final class GgufCursor {
    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    static final String TRUNCATED = "the file is truncated; download it again";
    static final String CUT_OR_DAMAGED = "the file is truncated or damaged; download it again";

    private static final String DAMAGED = "the file is damaged; download it or convert the model again";

    private final String file;
    private final MemorySegment data;
    private final long size;
    private long position;

    GgufCursor(String file, MemorySegment data) {
        this.file = file;
        this.data = data;
        this.size = data.byteSize();
    }

    String file() {
        return file;
    }

    MemorySegment data() {
        return data;
    }

    long position() {
        return position;
    }

    long remaining() {
        return size - position;
    }

    /** Moves over {@code bytes}, which the caller has checked with {@link #require}. */
    void skip(long bytes) {
        position += bytes;
    }

    byte readByte(String field) {
        require(1, field);
        byte value = data.get(ValueLayout.JAVA_BYTE, position);
        position++;
        return value;
    }

    int readInt(String field) {
        require(Integer.BYTES, field);
        int value = data.get(INT, position);
        position += Integer.BYTES;
        return value;
    }

    long readLong(String field) {
        require(Long.BYTES, field);
        long value = data.get(LONG, position);
        position += Long.BYTES;
        return value;
    }

    /** The length of a string or of an array: at most {@code limit} and never more than the bytes that remain. */
    long readLength(String field, long limit, long minBytes) {
        long at = position;
        long length = readLong(field);
        long available = remaining() / minBytes;
        if (length < 0 || length > available) {
            throw failure(
                    at,
                    field,
                    "at most " + Math.min(limit, available) + " (" + remaining() + " bytes remain)",
                    Long.toUnsignedString(length),
                    CUT_OR_DAMAGED);
        }
        if (length > limit) {
            throw failure(at, field, "at most " + limit, Long.toString(length));
        }
        return length;
    }

    /** A string; malformed UTF-8 is replaced. */
    String readString(String field, int limit) {
        int length = (int) readLength(field, limit, 1);
        byte[] bytes = data.asSlice(position, length).toArray(ValueLayout.JAVA_BYTE);
        position += length;
        return new String(bytes, StandardCharsets.UTF_8);
    }

    /** Fails unless {@code bytes} remain. */
    void require(long bytes, String field) {
        if (bytes > remaining()) {
            throw failure(position, field, bytes + " bytes", "the end of the file after " + remaining(), TRUNCATED);
        }
    }

    ModelFormatException failure(long offset, String field, String expected, String found) {
        return failure(offset, field, expected, found, DAMAGED);
    }

    ModelFormatException failure(long offset, String field, String expected, String found, String remedy) {
        return new ModelFormatException(message(offset, field, expected, found, remedy));
    }

    /** {@code <file>: byte <offset>, <field>: expected <expected>, found <found>; <remedy>}. */
    String message(long offset, String field, String expected, String found, String remedy) {
        return file + ": byte " + offset + ", " + field + ": expected " + expected + ", found " + found + "; " + remedy;
    }
}
