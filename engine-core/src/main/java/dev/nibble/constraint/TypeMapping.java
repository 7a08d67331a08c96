package dev.nibble.constraint;

import dev.nibble.json.JsonValues;
import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * How values of a Java type are written as JSON: its schema, and the way back from JSON. Both come from one walk of the type, so
 * that what the schema allows can be read back. Immutable and thread-safe.
 *
 * @param <T> the type
 */
public final class TypeMapping<T> {
    private static final String DEFINITIONS = "#/$defs/";

    /** What was found out of classes, for as long as they are there: masks belong to constraints and are kept with them. */
    private static final ClassValue<TypeMapping<?>> OF_CLASSES = new ClassValue<>() {
        @Override
        protected TypeMapping<?> computeValue(Class<?> type) {
            return of((Type) type);
        }
    };

    private final Map<String, Object> schema;
    private final TypeWalk.Decoder decoder;
    private final Constraint constraint;

    private TypeMapping(Map<String, Object> schema, TypeWalk.Decoder decoder) {
        this.schema = schema;
        this.decoder = decoder;
        constraint = Constraint.jsonSchema(JsonValues.write(schema));
    }

    /**
     * The mapping of a class: a record, an enum, a sealed interface of records, a primitive type or its wrapper, a number, a
     * string, a date or time, an array.
     *
     * @throws ConstraintException if a part of the type cannot be written as JSON; the message names the part by its path
     */
    @SuppressWarnings("unchecked")
    public static <T> TypeMapping<T> of(Class<T> type) {
        return (TypeMapping<T>) OF_CLASSES.get(type);
    }

    /**
     * As {@link #of(Class)}, for a generic type as {@code List<Item>}.
     *
     * @throws ConstraintException as {@link #of(Class)}
     */
    public static TypeMapping<?> of(Type type) {
        TypeWalk walk = new TypeWalk();
        TypeWalk.Mapping mapping = walk.map(type, null, type.getTypeName());
        return new TypeMapping<>(whole(mapping.schema(), walk.definitions()), mapping.decoder());
    }

    /** The schema with the definitions that it refers to; one that is nothing but a reference becomes what it refers to. */
    private static Map<String, Object> whole(Map<String, Object> schema, Map<String, Object> definitions) {
        Map<String, Object> whole = new LinkedHashMap<>(schema);
        if (whole.remove("$ref") instanceof String reference) {
            TypeWalk.members(
                            Objects.requireNonNull(definitions.get(reference.substring(DEFINITIONS.length()))),
                            reference)
                    .forEach(whole::putIfAbsent);
        }
        Map<String, Object> used = new LinkedHashMap<>();
        boolean grown = true;
        while (grown) {
            String text = JsonValues.write(whole) + JsonValues.write(used);
            grown = false;
            for (Map.Entry<String, Object> entry : definitions.entrySet()) {
                if (text.contains(JsonValues.write(DEFINITIONS + entry.getKey()))
                        && used.put(entry.getKey(), entry.getValue()) == null) {
                    grown = true;
                }
            }
        }
        if (!used.isEmpty()) {
            whole.put("$defs", used);
        }
        return whole;
    }

    /** The JSON Schema of the type. */
    public String schema() {
        return JsonValues.write(schema);
    }

    /** What keeps a text to the schema. */
    public Constraint constraint() {
        return constraint;
    }

    /**
     * The value that a text stands for.
     *
     * @throws ConstraintException if the text is not JSON or not of this type, or the type itself refuses the value
     */
    @SuppressWarnings("unchecked")
    public T read(String json) {
        Object value = decoder.decode(JsonSchema.read(json, "the text"), "$");
        if (value == null) {
            throw new ConstraintException("the text stands for no value");
        }
        return (T) value;
    }

    static ConstraintException wrong(String where, String expected, Object found) {
        return new ConstraintException(where + ": " + expected + " is expected, not " + JsonValues.write(found));
    }

    static ConstraintException unsupported(String path, Type type, String why) {
        return new ConstraintException(path + ": " + type.getTypeName() + " cannot be written as JSON: " + why);
    }

    static BigDecimal number(Object json, String where) {
        if (!(json instanceof BigDecimal number)) {
            throw wrong(where, "a number", json);
        }
        return number;
    }

    static BigInteger integer(Object json, String where) {
        try {
            return number(json, where).toBigIntegerExact();
        } catch (ArithmeticException e) {
            throw wrong(where, "an integer", json);
        }
    }
}
