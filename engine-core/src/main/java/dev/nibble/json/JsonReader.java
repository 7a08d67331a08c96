package dev.nibble.json;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads JSON (RFC 8259) strictly. Values are {@link Map}s in the order of the text, {@link List}s, {@link String}s, {@link
 * BigDecimal}s, {@link Boolean}s and {@link #NULL}.
 */
public final class JsonReader {
    /** The value null. */
    public static final Object NULL = new Object() {
        @Override
        public String toString() {
            return "null";
        }
    };

    /** Values within values at the most: the reader calls itself. */
    private static final int MAX_DEPTH = 500;
    /** The exponent of a number at the most, either way. */
    private static final int MAX_EXPONENT = 9_999;

    private final String text;
    private final String what;
    private int at;
    private int depth;

    private JsonReader(String text, String what) {
        this.text = text;
        this.what = what;
    }

    /**
     * The value that a text stands for.
     *
     * @param what the text is, for messages
     * @throws JsonException if it is not JSON, or an object has a name twice
     */
    public static Object read(String text, String what) {
        JsonReader reader = new JsonReader(text, what);
        reader.skip();
        Object value = reader.value();
        reader.skip();
        if (reader.at < text.length()) {
            throw reader.error("nothing more is expected");
        }
        return value;
    }

    private Object value() {
        if (++depth > MAX_DEPTH) {
            throw error("values are nested more than " + MAX_DEPTH + " deep");
        }
        Object value = switch (peek()) {
            case '{' -> object();
            case '[' -> array();
            case '"' -> string();
            case 't' -> word("true", true);
            case 'f' -> word("false", false);
            case 'n' -> word("null", NULL);
            default -> number();
        };
        depth--;
        return value;
    }

    private Map<String, Object> object() {
        Map<String, Object> members = new LinkedHashMap<>();
        at++;
        skip();
        if (peek() == '}') {
            at++;
            return members;
        }
        while (true) {
            if (peek() != '"') {
                throw error("the name of a member is expected");
            }
            int start = at;
            String name = string();
            skip();
            expect(':');
            skip();
            Object value = value();
            if (members.put(name, value) != null) {
                at = start;
                throw error("the name \"" + name + "\" is there twice");
            }
            skip();
            if (peek() != ',') {
                break;
            }
            at++;
            skip();
        }
        expect('}');
        return members;
    }

    private List<Object> array() {
        List<Object> items = new ArrayList<>();
        at++;
        skip();
        if (peek() == ']') {
            at++;
            return items;
        }
        while (true) {
            items.add(value());
            skip();
            if (peek() != ',') {
                break;
            }
            at++;
            skip();
        }
        expect(']');
        return items;
    }

    private String string() {
        StringBuilder value = new StringBuilder();
        at++;
        while (peek() != '"') {
            int c = peek();
            if (c < 0x20) {
                throw error(c < 0 ? "the string is not closed" : "a control character has to be escaped");
            }
            at++;
            value.append(c == '\\' ? escaped() : (char) c);
        }
        at++;
        return value.toString();
    }

    private char escaped() {
        int c = peek();
        at++;
        return switch (c) {
            case '"', '\\', '/' -> (char) c;
            case 'b' -> '\b';
            case 'f' -> '\f';
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            case 'u' -> {
                int value = 0;
                for (int i = 0; i < 4; i++) {
                    int digit = Character.digit(peek(), 16);
                    if (digit < 0) {
                        throw error("four hexadecimal digits are expected");
                    }
                    value = 16 * value + digit;
                    at++;
                }
                yield (char) value;
            }
            default -> throw error("an unknown escape");
        };
    }

    private Object word(String word, Object value) {
        if (!text.startsWith(word, at)) {
            throw error("a value is expected");
        }
        at += word.length();
        return value;
    }

    private BigDecimal number() {
        int start = at;
        at += peek() == '-' ? 1 : 0;
        int whole = at;
        digits("a value is expected");
        if (text.charAt(whole) == '0' && at - whole > 1) {
            throw error("a number does not begin with 0");
        }
        if (peek() == '.') {
            at++;
            digits("digits are expected after the point");
        }
        if (peek() == 'e' || peek() == 'E') {
            at++;
            at += peek() == '+' || peek() == '-' ? 1 : 0;
            int exponent = at;
            digits("digits are expected in the exponent");
            if (at - exponent > 5 || Integer.parseInt(text, exponent, at, 10) > MAX_EXPONENT) {
                throw error("the exponent is too large");
            }
        }
        return new BigDecimal(text.substring(start, at));
    }

    private void digits(String expected) {
        int start = at;
        while (peek() >= '0' && peek() <= '9') {
            at++;
        }
        if (at == start) {
            throw error(expected);
        }
    }

    private void skip() {
        while (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r') {
            at++;
        }
    }

    private void expect(char c) {
        if (peek() != c) {
            throw error("'" + c + "' is expected");
        }
        at++;
    }

    private int peek() {
        return at < text.length() ? text.charAt(at) : -1;
    }

    private JsonException error(String expected) {
        int line = 1
                + (int) text.substring(0, Math.min(at, text.length()))
                        .chars()
                        .filter(c -> c == '\n')
                        .count();
        int column = at - text.lastIndexOf('\n', at - 1);
        return new JsonException(what + " is not JSON, line " + line + ", column " + column + ": " + expected);
    }
}
