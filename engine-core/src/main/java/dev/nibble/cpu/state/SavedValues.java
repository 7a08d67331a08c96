package dev.nibble.cpu.state;

import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;

/** How the memory of a sequence lies in a file: bytes as they are, numbers little-endian. */
final class SavedValues {
    /** Bytes that are handed over at once. */
    private static final int PART = 1 << 20;

    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private SavedValues() {}

    static void write(WritableByteChannel out, int value) throws IOException {
        writeAll(
                out,
                ByteBuffer.allocate(Integer.BYTES)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putInt(0, value));
    }

    static void write(WritableByteChannel out, MemorySegment memory) throws IOException {
        for (long at = 0; at < memory.byteSize(); at += PART) {
            writeAll(out, part(memory, at).asByteBuffer());
        }
    }

    static void write(WritableByteChannel out, float[] values) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment copy = arena.allocate(Math.max(1, 4L * values.length), 4);
            MemorySegment.copy(values, 0, copy, FLOAT, 0, values.length);
            write(out, copy.asSlice(0, 4L * values.length));
        }
    }

    static int readInt(ReadableByteChannel in) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        readAll(in, buffer);
        return buffer.getInt(0);
    }

    static void read(ReadableByteChannel in, MemorySegment memory) throws IOException {
        for (long at = 0; at < memory.byteSize(); at += PART) {
            readAll(in, part(memory, at).asByteBuffer());
        }
    }

    static void read(ReadableByteChannel in, float[] values) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment copy = arena.allocate(Math.max(1, 4L * values.length), 4);
            read(in, copy.asSlice(0, 4L * values.length));
            MemorySegment.copy(copy, FLOAT, 0, values, 0, values.length);
        }
    }

    private static MemorySegment part(MemorySegment memory, long at) {
        return memory.asSlice(at, Math.min(PART, memory.byteSize() - at));
    }

    private static void writeAll(WritableByteChannel out, ByteBuffer buffer) throws IOException {
        while (buffer.hasRemaining()) {
            out.write(buffer);
        }
    }

    private static void readAll(ReadableByteChannel in, ByteBuffer buffer) throws IOException {
        while (buffer.hasRemaining()) {
            if (in.read(buffer) < 0) {
                throw new EOFException("it ends too early");
            }
        }
    }
}
