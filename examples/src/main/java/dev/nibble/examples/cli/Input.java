package dev.nibble.examples.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Text that a user hands in by file. */
final class Input {
    private Input() {}

    /** The text of a file in UTF-8, {@code -} for standard input. */
    static String text(Path file, InputStream in) throws IOException {
        if (file.toString().equals("-")) {
            return decode(in.readAllBytes(), "standard input");
        }
        if (Files.isDirectory(file)) {
            throw new IOException(file + " is a folder; a text file is needed");
        }
        return decode(Files.readAllBytes(file), file.toString());
    }

    private static String decode(byte[] bytes, String name) throws IOException {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new IOException(name + " is not text in UTF-8", e);
        }
    }
}
