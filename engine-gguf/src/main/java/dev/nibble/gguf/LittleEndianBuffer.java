package dev.nibble.gguf;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/** Bytes in the making: little-endian integers and GGUF strings. */
final class LittleEndianBuffer {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    void putByte(int value) {
        out.write(value);
    }

    void putShort(int value) {
        out.write(value);
        out.write(value >> 8);
    }

    void putInt(int value) {
        putShort(value);
        putShort(value >> 16);
    }

    void putLong(long value) {
        putInt((int) value);
        putInt((int) (value >> 32));
    }

    /** A length and the UTF-8 bytes. */
    void putString(String value) {
        putString(value.getBytes(StandardCharsets.UTF_8));
    }

    /** A length and the bytes. */
    void putString(byte[] value) {
        putLong(value.length);
        out.writeBytes(value);
    }

    void put(MemorySegment bytes) {
        out.writeBytes(bytes.toArray(ValueLayout.JAVA_BYTE));
    }

    byte[] toByteArray() {
        return out.toByteArray();
    }
}
