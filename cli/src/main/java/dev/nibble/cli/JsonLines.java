package dev.nibble.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Texts that a user hands in as a file with a JSON string on each line. */
final class JsonLines {
    private JsonLines() {}

    /** The texts of a file, {@code -} for standard input. */
    static List<String> read(Path file, InputStream in) throws IOException {
        List<String> texts = new ArrayList<>();
        for (String line : Input.text(file, in).lines().toList()) {
            texts.add(parse(file, texts.size() + 1, line));
        }
        return texts;
    }

    private static String parse(Path file, int number, String line) throws IOException {
        Object value = Input.json(line, file + ", line " + number);
        if (!(value instanceof String string)) {
            throw new IOException(file + ", line " + number + ": expected a JSON string");
        }
        return string;
    }
}
