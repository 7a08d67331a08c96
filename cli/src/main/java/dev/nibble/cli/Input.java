package dev.nibble.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Text and JSON that a user hands in by file. A byte order mark at the beginning is no part of it. */
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

    /**
     * A value in JSON, null for null.
     *
     * @param name what it is called in messages
     * @throws IOException if it is none, or has a string with half a surrogate pair, which is no text
     */
    static @Nullable Object json(String text, String name) throws IOException {
        @Nullable Object value;
        try {
            value = JSON.std.anyFrom(text);
        } catch (JsonProcessingException e) {
            throw new IOException(name + " is not JSON: " + e.getOriginalMessage(), e);
        }
        requireText(value, name);
        return value;
    }

    /**
     * An object in JSON, by the names of its members.
     *
     * @throws IOException as {@link #json}, or if it is another value
     */
    static Map<String, Object> object(Path file, InputStream in) throws IOException {
        if (!(json(text(file, in), file.toString()) instanceof Map<?, ?> map)) {
            throw new IOException(file + " is not a JSON object");
        }
        Map<String, Object> members = new LinkedHashMap<>();
        map.forEach((name, member) -> members.put(String.valueOf(name), member));
        return members;
    }

    private static void requireText(@Nullable Object value, String name) throws IOException {
        switch (value) {
            case String text -> {
                int at = unpairedSurrogate(text);
                if (at >= 0) {
                    throw new IOException(String.format(
                            Locale.ROOT,
                            "%s: a string has \\u%04x without the other half of the pair, which is no character",
                            name,
                            (int) text.charAt(at)));
                }
            }
            case List<?> list -> {
                for (Object element : list) {
                    requireText(element, name);
                }
            }
            case Map<?, ?> map -> {
                for (Map.Entry<?, ?> entry : map.entrySet()) {
                    requireText(entry.getKey(), name);
                    requireText(entry.getValue(), name);
                }
            }
            case null, default -> {}
        }
    }

    /** The index of the first one, -1 without. */
    private static int unpairedSurrogate(String text) {
        for (int i = 0; i < text.length(); i += Character.charCount(text.codePointAt(i))) {
            int character = text.codePointAt(i);
            if (character >= Character.MIN_SURROGATE && character <= Character.MAX_SURROGATE) {
                return i;
            }
        }
        return -1;
    }

    /** {@code text} without the byte order mark that some editors put before it. */
    static String withoutMark(String text) {
        return text.startsWith("\ufeff") ? text.substring(1) : text;
    }

    private static String decode(byte[] bytes, String name) throws IOException {
        try {
            return withoutMark(StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString());
        } catch (CharacterCodingException e) {
            throw new IOException(name + " is not text in UTF-8" + (isUtf16(bytes) ? " but in UTF-16" : ""), e);
        }
    }

    private static boolean isUtf16(byte[] bytes) {
        return bytes.length >= 2
                && (bytes[0] == (byte) 0xff && bytes[1] == (byte) 0xfe
                        || bytes[0] == (byte) 0xfe && bytes[1] == (byte) 0xff);
    }
}
