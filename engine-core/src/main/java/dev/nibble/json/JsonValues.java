package dev.nibble.json;

import java.math.BigDecimal;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Values of JSON, as {@link JsonReader} makes them. */
public final class JsonValues {
    private JsonValues() {}

    /** Whether two values are equal as JSON Schema has it: numbers by what they are, objects in any order. */
    public static boolean same(Object a, Object b) {
        if (a instanceof BigDecimal first && b instanceof BigDecimal second) {
            return first.compareTo(second) == 0;
        }
        if (a instanceof List<?> first && b instanceof List<?> second) {
            if (first.size() != second.size()) {
                return false;
            }
            for (int i = 0; i < first.size(); i++) {
                if (!same(first.get(i), second.get(i))) {
                    return false;
                }
            }
            return true;
        }
        if (a instanceof Map<?, ?> first && b instanceof Map<?, ?> second) {
            return first.size() == second.size()
                    && first.entrySet().stream()
                            .allMatch(entry -> second.containsKey(entry.getKey())
                                    && same(entry.getValue(), second.get(entry.getKey())));
        }
        return a.equals(b);
    }

    /** A value that equals those of all values that are {@linkplain #same the same}. */
    public static Object canonical(Object value) {
        return switch (value) {
            case BigDecimal number -> number.signum() == 0 ? BigDecimal.ZERO : number.stripTrailingZeros();
            case List<?> list -> list.stream().map(JsonValues::canonical).toList();
            case Map<?, ?> map -> {
                Map<Object, Object> canonical = new HashMap<>();
                map.forEach((name, member) -> canonical.put(name, canonical(member)));
                yield canonical;
            }
            default -> value;
        };
    }

    /** A value as a text without white space. */
    public static String write(Object value) {
        StringBuilder text = new StringBuilder();
        write(value, text);
        return text.toString();
    }

    private static void write(Object value, StringBuilder text) {
        switch (value) {
            case String string -> quote(string, text);
            case BigDecimal number -> text.append(number.toPlainString());
            case List<?> list -> {
                text.append('[');
                for (int i = 0; i < list.size(); i++) {
                    text.append(i > 0 ? "," : "");
                    write(list.get(i), text);
                }
                text.append(']');
            }
            case Map<?, ?> map -> {
                text.append('{');
                int count = 0;
                for (Map.Entry<?, ?> entry : map.entrySet()) {
                    text.append(count++ > 0 ? "," : "");
                    quote((String) entry.getKey(), text);
                    text.append(':');
                    write(entry.getValue(), text);
                }
                text.append('}');
            }
            default -> text.append(value);
        }
    }

    private static void quote(String string, StringBuilder text) {
        text.append('"');
        for (int i = 0; i < string.length(); i++) {
            char c = string.charAt(i);
            int letter = "\b\f\n\r\t".indexOf(c);
            if (c == '"' || c == '\\') {
                text.append('\\').append(c);
            } else if (letter >= 0) {
                text.append('\\').append("bfnrt".charAt(letter));
            } else if (c < 0x20) {
                text.append("\\u00").append(c < 0x10 ? "0" : "1").append(Character.forDigit(c % 16, 16));
            } else {
                text.append(c);
            }
        }
        text.append('"');
    }
}
