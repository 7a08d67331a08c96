package dev.nibble.chat.jinja;

import dev.nibble.chat.jinja.Value.Bool;
import dev.nibble.chat.jinja.Value.Int;
import dev.nibble.chat.jinja.Value.None;
import dev.nibble.chat.jinja.Value.Real;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Turns the Java values given to a rendering into values of the language, and decides what text is trusted: the special tokens
 * (variables whose name ends in {@code _token}) and the role of a message, when it is a plain word. Everything else is not.
 */
final class Variables {
    private static final int MAX_DEPTH = 200;
    private static final int MAX_ROLE = 40;

    private final DictValue values = new DictValue();
    private long size;

    /** @throws IllegalArgumentException for a value of a type that has no meaning here, or nested too deep */
    Variables(Map<String, ? extends @Nullable Object> variables) {
        for (Map.Entry<String, ? extends @Nullable Object> entry : variables.entrySet()) {
            String name = entry.getKey();
            values.put(Text.of(name), convert(entry.getValue(), name, name.endsWith("_token"), 0));
        }
    }

    DictValue values() {
        return values;
    }

    /** The characters and values that were given, for the limits. */
    long size() {
        return size;
    }

    private Value convert(@Nullable Object value, String path, boolean trusted, int depth) {
        size++;
        if (depth > MAX_DEPTH) {
            throw new IllegalArgumentException(
                    "the variable " + path + " is nested more than " + MAX_DEPTH + " levels deep");
        }
        return switch (value) {
            case null -> None.NONE;
            case Boolean bool -> Bool.of(bool);
            case Integer number -> Int.of(number);
            case Long number -> Int.of(number);
            case Short number -> Int.of(number);
            case Byte number -> Int.of(number);
            case BigInteger number -> Operators.integer(number);
            case Double number -> new Real(number);
            case Float number -> new Real(number);
            case BigDecimal number -> new Real(number.doubleValue());
            case CharSequence text -> {
                size += text.length();
                yield Text.of(text.toString(), trusted);
            }
            case Map<?, ?> map -> map(map, path, depth);
            case Iterable<?> items -> {
                List<Value> list = new ArrayList<>();
                for (Object item : items) {
                    list.add(convert(item, path + "[" + list.size() + "]", false, depth + 1));
                }
                yield ListValue.list(list);
            }
            default ->
                throw new IllegalArgumentException("the variable " + path + " is a "
                        + value.getClass().getName() + "; expected a string, number, boolean, list, map or null");
        };
    }

    private Value map(Map<?, ?> map, String path, int depth) {
        DictValue dict = new DictValue();
        boolean message = depth == 1 && path.startsWith("messages[");
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            if (!(entry.getKey() instanceof CharSequence key)) {
                throw new IllegalArgumentException(
                        "the variable " + path + " has the key " + entry.getKey() + "; expected only strings");
            }
            String name = key.toString();
            size += name.length();
            boolean role = message && name.equals("role") && isWord(entry.getValue());
            dict.put(Text.untrusted(name), convert(entry.getValue(), path + "." + name, role, depth + 1));
        }
        return dict;
    }

    private static boolean isWord(@Nullable Object role) {
        return role instanceof CharSequence text
                && text.length() <= MAX_ROLE
                && text.chars().allMatch(c -> c < 0x80 && (Character.isLetterOrDigit(c) || c == '_' || c == '-'));
    }
}
