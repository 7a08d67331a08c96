package dev.nibble.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Texts that a user hands in as a file with a JSON value on each line, and arrays of numbers as they are printed. */
final class JsonLines {
    private JsonLines() {}

    /** Two texts of a line. */
    record Pair(String first, String second) {}

    /** What a line holds. */
    private interface Reader<T> {
        T read(@Nullable Object value, String place) throws IOException;
    }

    /** The texts of a file with a string on each line, {@code -} for standard input. */
    static List<String> read(Path file, InputStream in) throws IOException {
        return read(file, in, (value, place) -> {
            if (!(value instanceof String string)) {
                throw new IOException(place + ": expected a JSON string");
            }
            return string;
        });
    }

    /** The texts of a file with an array of two strings on each line, likewise. */
    static List<Pair> pairs(Path file, InputStream in) throws IOException {
        return read(file, in, (value, place) -> {
            if (!(value instanceof List<?> list)
                    || list.size() != 2
                    || !(list.get(0) instanceof String first)
                    || !(list.get(1) instanceof String second)) {
                throw new IOException(place + ": expected a JSON array of two strings, a query and a document");
            }
            return new Pair(first, second);
        });
    }

    private static <T> List<T> read(Path file, InputStream in, Reader<T> reader) throws IOException {
        List<T> values = new ArrayList<>();
        for (String line : Input.text(file, in).lines().toList()) {
            String place = file + ", line " + (values.size() + 1);
            values.add(reader.read(Input.json(line, place), place));
        }
        return values;
    }

    /** Numbers as a JSON array. */
    static String array(float[] values) {
        StringBuilder json = new StringBuilder(values.length * 13).append('[');
        for (int i = 0; i < values.length; i++) {
            json.append(i == 0 ? "" : ",").append(values[i]);
        }
        return json.append(']').toString();
    }
}
