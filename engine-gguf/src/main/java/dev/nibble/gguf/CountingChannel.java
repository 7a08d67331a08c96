package dev.nibble.gguf;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;

/** Writes all it is given, counts it, and pads it. */
final class CountingChannel implements WritableByteChannel {
    private final WritableByteChannel out;
    private long count;

    CountingChannel(WritableByteChannel out) {
        this.out = out;
    }

    /** Bytes written so far. */
    long count() {
        return count;
    }

    @Override
    public int write(ByteBuffer source) throws IOException {
        int length = source.remaining();
        while (source.hasRemaining()) {
            out.write(source);
        }
        count += length;
        return length;
    }

    /** Writes zeros up to a multiple of {@code alignment}. */
    void pad(int alignment) throws IOException {
        write(ByteBuffer.allocate((int) (GgufParser.align(count, alignment) - count)));
    }

    /** A view of this channel that refuses to write beyond {@code end}. */
    WritableByteChannel limitedTo(long end, String tensor) {
        return new WritableByteChannel() {
            @Override
            public int write(ByteBuffer source) throws IOException {
                if (source.remaining() > end - count) {
                    throw new IllegalStateException(
                            "the data of '" + tensor + "' is longer than the tensor's shape and type say");
                }
                return CountingChannel.this.write(source);
            }

            @Override
            public boolean isOpen() {
                return CountingChannel.this.isOpen();
            }

            @Override
            public void close() {
                // The file is closed by who opened it.
            }
        };
    }

    @Override
    public boolean isOpen() {
        return out.isOpen();
    }

    @Override
    public void close() throws IOException {
        out.close();
    }
}
