package dev.nibble.benchmarks.operations;

import java.nio.ByteBuffer;

/** Walks through a GGUF file's metadata, making every string of it and checking nothing. */
final class PlainGguf {
    private static final int STRING = 8;
    private static final int ARRAY = 9;
    private static final int[] SIZES = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

    private PlainGguf() {}

    /** The number of characters in all strings. */
    static int strings(ByteBuffer file) {
        file.position(8);
        file.getLong();
        int length = 0;
        for (long pairs = file.getLong(); pairs > 0; pairs--) {
            length += string(file);
            length += value(file, file.getInt());
        }
        return length;
    }

    private static int value(ByteBuffer file, int type) {
        if (type == STRING) {
            return string(file);
        }
        if (type != ARRAY) {
            file.position(file.position() + SIZES[type]);
            return 0;
        }
        int elementType = file.getInt();
        int length = 0;
        for (long left = file.getLong(); left > 0; left--) {
            length += value(file, elementType);
        }
        return length;
    }

    private static int string(ByteBuffer file) {
        byte[] bytes = new byte[(int) file.getLong()];
        file.get(bytes);
        return new String(bytes, java.nio.charset.StandardCharsets.UTF_8).length();
    }
}
