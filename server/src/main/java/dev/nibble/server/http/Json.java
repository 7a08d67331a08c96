package dev.nibble.server.http;

import dev.nibble.json.JsonReader;
import dev.nibble.json.JsonValues;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Values of JSON made by hand. */
public final class Json {
    /** The value null. */
    public static final Object NULL = JsonReader.NULL;

    private Json() {}

    /**
     * An object.
     *
     * @param pairs names and values in turn; a null is {@link #NULL}
     */
    public static Map<String, Object> object(@Nullable Object... pairs) {
        Map<String, Object> map = new LinkedHashMap<>();
        for (int i = 0; i < pairs.length; i += 2) {
            map.put(String.valueOf(pairs[i]), orNull(pairs[i + 1]));
        }
        return map;
    }

    /** A value that may be null. */
    public static Object orNull(@Nullable Object value) {
        return value == null ? NULL : value;
    }

    /** A number that is finite in JSON, where a float may be none. */
    public static Object number(double value) {
        return Double.isFinite(value) ? (Object) value : NULL;
    }

    /** The text of a value made of maps, lists, strings, finite numbers, booleans and {@link #NULL}. */
    public static String write(Object value) {
        return JsonValues.write(value);
    }

    /** The text as UTF-8. */
    public static byte[] bytes(Object value) {
        return write(value).getBytes(StandardCharsets.UTF_8);
    }

    /** The value as chat templates take it: null for {@link #NULL}, whole numbers as Long, others as Double. */
    public static @Nullable Object plain(Object value) {
        return switch (value) {
            case Map<?, ?> map -> {
                Map<String, @Nullable Object> plain = new LinkedHashMap<>();
                map.forEach((name, item) -> plain.put(String.valueOf(name), plain(item)));
                yield plain;
            }
            case List<?> list -> {
                List<@Nullable Object> plain = new ArrayList<>(list.size());
                list.forEach(item -> plain.add(plain(item)));
                yield plain;
            }
            case BigDecimal number -> {
                try {
                    yield (Object) number.longValueExact();
                } catch (ArithmeticException e) {
                    yield number.doubleValue();
                }
            }
            default -> value == NULL ? null : value;
        };
    }
}
