package dev.nibble.model;

import dev.nibble.ModelFormatException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The key-value pairs of a model file, in file order, with typed access. Immutable.
 *
 * <p>Values are {@link Long} (every integer type; a u64 above {@code Long.MAX_VALUE} is refused by the reader),
 * {@link Double} (f32, f64), {@link Boolean}, {@link String}, or an array: {@code long[]}, {@code float[]} (f32),
 * {@code double[]} (f64), {@code boolean[]}, {@link StringArray}.
 *
 * <p>{@code require…} fails on a missing key, {@code optional…} shows its default; both fail with a {@link
 * ModelFormatException} that names the file and the key when the value has another type or does not fit.
 */
public final class Metadata {
    /** Characters of a text that {@link #toString} shows. */
    private static final int SHOWN = 80;

    private final String source;
    private final Map<String, Object> values;

    /**
     * @param source the file's name, for messages
     * @param values the pairs, as described above
     */
    public Metadata(String source, Map<String, Object> values) {
        this.source = Objects.requireNonNull(source, "source");
        this.values = Collections.unmodifiableMap(new LinkedHashMap<>(Objects.requireNonNull(values, "values")));
    }

    /** All keys in file order. */
    public Set<String> keys() {
        return values.keySet();
    }

    /** Whether the key is there. */
    public boolean contains(String key) {
        return values.containsKey(key);
    }

    /** The value as described in the class comment, or null. */
    public @Nullable Object get(String key) {
        return values.get(key);
    }

    /** An integer that must be there. */
    public int requireInt(String key) {
        return toInt(key, require(key));
    }

    /** An integer, or {@code defaultValue} when the key is absent. */
    public int optionalInt(String key, int defaultValue) {
        Object value = values.get(key);
        return value == null ? defaultValue : toInt(key, value);
    }

    /** A float that must be there; an integer is accepted. */
    public float requireFloat(String key) {
        return toFloat(key, require(key));
    }

    /** A float, or {@code defaultValue} when the key is absent; an integer is accepted. */
    public float optionalFloat(String key, float defaultValue) {
        Object value = values.get(key);
        return value == null ? defaultValue : toFloat(key, value);
    }

    /** A boolean, or {@code defaultValue} when the key is absent. */
    public boolean optionalBoolean(String key, boolean defaultValue) {
        Object value = values.get(key);
        return value == null ? defaultValue : cast(key, value, Boolean.class, "a boolean");
    }

    /** A string that must be there. */
    public String requireString(String key) {
        return cast(key, require(key), String.class, "a string");
    }

    /** A string, or null when the key is absent. */
    public @Nullable String optionalString(String key) {
        Object value = values.get(key);
        return value == null ? null : cast(key, value, String.class, "a string");
    }

    /** An array of strings, or null when the key is absent. */
    public @Nullable StringArray optionalStrings(String key) {
        Object value = values.get(key);
        return value == null ? null : cast(key, value, StringArray.class, "an array of strings");
    }

    /** An array of integers, or null when the key is absent. */
    public long @Nullable [] optionalLongs(String key) {
        Object value = values.get(key);
        return value == null ? null : cast(key, value, long[].class, "an array of integers");
    }

    /** An array of f32, or null when the key is absent. */
    public float @Nullable [] optionalFloats(String key) {
        Object value = values.get(key);
        return value == null ? null : cast(key, value, float[].class, "an array of f32");
    }

    /** An array of booleans, or null when the key is absent. */
    public boolean @Nullable [] optionalBooleans(String key) {
        Object value = values.get(key);
        return value == null ? null : cast(key, value, boolean[].class, "an array of booleans");
    }

    /** The failure of a key: {@code <file>: <key>: <problem>}. */
    public ModelFormatException failure(String key, String problem) {
        return new ModelFormatException(source + ": " + key + ": " + problem);
    }

    /** The file and its pairs, a line each; of a long text the beginning, of an array its kind and size. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(source);
        values.forEach((key, value) ->
                text.append(System.lineSeparator()).append(key).append(" = ").append(brief(value)));
        return text.toString();
    }

    private static String brief(Object value) {
        return switch (value) {
            case Long number -> number.toString();
            case Double number -> number.toString();
            case Boolean bool -> bool.toString();
            case String string when string.length() <= SHOWN && string.lines().count() <= 1 -> string;
            case String string ->
                string.lines()
                                .findFirst()
                                .orElse("")
                                .codePoints()
                                .limit(SHOWN)
                                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                        + "... (" + string.length() + " characters)";
            default -> describe(value);
        };
    }

    private Object require(String key) {
        Object value = values.get(key);
        if (value == null) {
            throw failure(key, "this key is missing and the model cannot be run without it");
        }
        return value;
    }

    private int toInt(String key, Object value) {
        long number = cast(key, value, Long.class, "an integer");
        if (number != (int) number) {
            throw failure(key, number + " does not fit 32 bits");
        }
        return (int) number;
    }

    private float toFloat(String key, Object value) {
        if (value instanceof Double number) {
            return number.floatValue();
        }
        return cast(key, value, Long.class, "a number");
    }

    private <T> T cast(String key, Object value, Class<T> type, String expected) {
        if (!type.isInstance(value)) {
            throw failure(key, "expected " + expected + ", found " + describe(value));
        }
        return type.cast(value);
    }

    private static String describe(Object value) {
        return switch (value) {
            case Long number -> "the integer " + number;
            case Double number -> "the float " + number;
            case Boolean bool -> "the boolean " + bool;
            case String string -> "a string of " + string.length() + " characters";
            case long[] array -> "an array of " + array.length + " integers";
            case float[] array -> "an array of " + array.length + " f32";
            case double[] array -> "an array of " + array.length + " f64";
            case boolean[] array -> "an array of " + array.length + " booleans";
            case StringArray array -> "an array of " + array.size() + " strings";
            default -> value.getClass().getSimpleName();
        };
    }
}
