package dev.nibble.server.http;

import dev.nibble.json.JsonException;
import dev.nibble.json.JsonReader;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The members of a JSON object in a request. A null is as good as none; a value of another type than asked for is an error that
 * names the field.
 */
public final class Fields {
    /** No members. */
    public static final Fields NONE = new Fields(Map.of(), "");

    private final Map<?, ?> values;
    private final String path;

    private Fields(Map<?, ?> values, String path) {
        this.values = values;
        this.path = path;
    }

    /** The body of a request; an empty one has no members. */
    public static Fields parse(byte[] body) {
        try {
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(body))
                    .toString();
            if (text.isBlank()) {
                return NONE;
            }
            if (JsonReader.read(text, "the body") instanceof Map<?, ?> map) {
                return new Fields(map, "");
            }
            throw RequestException.invalid("the body has to be a JSON object");
        } catch (CharacterCodingException e) {
            throw RequestException.invalid("the body is not UTF-8");
        } catch (JsonException e) {
            throw RequestException.invalid(String.valueOf(e.getMessage()));
        }
    }

    /** The members of a value that has to be an object. */
    public static Fields of(Object value, String path) {
        if (value instanceof Map<?, ?> map) {
            return new Fields(map, path + ".");
        }
        throw expected(path, "an object", value);
    }

    /** The same without a member. */
    public Fields without(String name) {
        Map<Object, Object> others = new LinkedHashMap<>(values);
        others.remove(name);
        return new Fields(others, path);
    }

    /** Where a member is, for messages. */
    public String path(String name) {
        return path + name;
    }

    /** The names of the members that are not null. */
    public Set<String> names() {
        Set<String> names = new java.util.LinkedHashSet<>();
        values.forEach((name, value) -> {
            if (value != Json.NULL) {
                names.add(String.valueOf(name));
            }
        });
        return names;
    }

    /** Whether the member is there and not null. */
    public boolean has(String name) {
        return value(name) != null;
    }

    /** The member as JSON has it, null if it is not there or null. */
    public @Nullable Object value(String name) {
        Object value = values.get(name);
        return value == Json.NULL ? null : value;
    }

    /** A text, null if there is none. */
    public @Nullable String string(String name) {
        Object value = value(name);
        if (value == null || value instanceof String) {
            return (String) value;
        }
        throw expected(path(name), "a string", value);
    }

    /** A text, or {@code otherwise}. */
    public String string(String name, String otherwise) {
        String value = string(name);
        return value == null ? otherwise : value;
    }

    /** A text that must be there. */
    public String requireString(String name) {
        String value = string(name);
        if (value == null) {
            throw RequestException.invalid(path(name), "'" + path(name) + "' is missing");
        }
        return value;
    }

    /** A boolean, or {@code otherwise}. */
    public boolean bool(String name, boolean otherwise) {
        return bool(name).orElse(otherwise);
    }

    /** A boolean. */
    public Optional<Boolean> bool(String name) {
        Object value = value(name);
        if (value == null || value instanceof Boolean) {
            return Optional.ofNullable((Boolean) value);
        }
        throw expected(path(name), "a boolean", value);
    }

    /** A whole number that fits 32 bits. */
    public OptionalInt integer(String name) {
        OptionalLong value = longInteger(name);
        if (value.isPresent() && value.getAsLong() != (int) value.getAsLong()) {
            throw RequestException.invalid(path(name), "'" + path(name) + "' is out of range: " + value.getAsLong());
        }
        return value.isPresent() ? OptionalInt.of((int) value.getAsLong()) : OptionalInt.empty();
    }

    /** A whole number; {@code 5.0} is one. */
    public OptionalLong longInteger(String name) {
        Object value = value(name);
        if (value == null) {
            return OptionalLong.empty();
        }
        if (value instanceof BigDecimal number) {
            try {
                return OptionalLong.of(number.longValueExact());
            } catch (ArithmeticException e) {
                throw expected(path(name), "an integer", value);
            }
        }
        throw expected(path(name), "an integer", value);
    }

    /** A number. */
    public OptionalDouble number(String name) {
        Object value = value(name);
        if (value == null) {
            return OptionalDouble.empty();
        }
        if (value instanceof BigDecimal number) {
            return OptionalDouble.of(number.doubleValue());
        }
        throw expected(path(name), "a number", value);
    }

    /** An object, null if there is none. */
    public @Nullable Fields object(String name) {
        Object value = value(name);
        return value == null ? null : of(value, path(name));
    }

    /** An array, empty if there is none. */
    public List<Object> array(String name) {
        Object value = value(name);
        if (value == null) {
            return List.of();
        }
        if (value instanceof List<?> list) {
            return new ArrayList<>(list);
        }
        throw expected(path(name), "an array", value);
    }

    /** An array of objects, empty if there is none. */
    public List<Fields> objects(String name) {
        List<Object> array = array(name);
        List<Fields> objects = new ArrayList<>(array.size());
        for (int i = 0; i < array.size(); i++) {
            objects.add(of(array.get(i), path(name) + "[" + i + "]"));
        }
        return objects;
    }

    /** An array of texts, or one text, which is an array of one. */
    public List<String> strings(String name) {
        if (value(name) instanceof String one) {
            return List.of(one);
        }
        List<String> strings = new ArrayList<>();
        for (Object item : array(name)) {
            if (!(item instanceof String string)) {
                throw expected(path(name), "an array of strings", item);
            }
            strings.add(string);
        }
        return strings;
    }

    /** Fails if one of these fields asks for something: is there and neither false, zero nor empty. */
    public void refuse(String why, String... names) {
        for (String name : names) {
            Object value = value(name);
            boolean asks = value != null
                    && !Boolean.FALSE.equals(value)
                    && !(value instanceof BigDecimal number && number.signum() == 0)
                    && !(value instanceof String string && string.isEmpty())
                    && !(value instanceof List<?> list && list.isEmpty())
                    && !(value instanceof Map<?, ?> map && map.isEmpty());
            if (asks) {
                throw RequestException.unsupported(path(name), why);
            }
        }
    }

    /** The error of a value that has another type or form. */
    public static RequestException expected(String path, String expected, Object found) {
        String what = switch (found) {
            case Map<?, ?> map -> "an object";
            case List<?> list -> "an array";
            case String string -> "a string";
            case BigDecimal number -> "the number " + number.toPlainString();
            case Boolean bool -> "the boolean " + bool;
            default -> "null";
        };
        return RequestException.invalid(path, "'" + path + "' has to be " + expected + ", not " + what);
    }
}
