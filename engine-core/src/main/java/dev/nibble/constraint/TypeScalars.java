package dev.nibble.constraint;

import java.lang.reflect.AnnotatedElement;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.URI;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Types whose values are single values of JSON: schemas that allow exactly what can be read back. */
final class TypeScalars {
    private static final String OFFSET = "(?:Z|[+-](?:0\\d|1[0-7]):[0-5]\\d|[+-]18:00)";

    /** Integers with bounds. */
    private static final Map<Class<?>, long[]> INTEGERS = Map.of(
            byte.class, new long[] {Byte.MIN_VALUE, Byte.MAX_VALUE},
            Byte.class, new long[] {Byte.MIN_VALUE, Byte.MAX_VALUE},
            short.class, new long[] {Short.MIN_VALUE, Short.MAX_VALUE},
            Short.class, new long[] {Short.MIN_VALUE, Short.MAX_VALUE},
            int.class, new long[] {Integer.MIN_VALUE, Integer.MAX_VALUE},
            Integer.class, new long[] {Integer.MIN_VALUE, Integer.MAX_VALUE},
            long.class, new long[] {Long.MIN_VALUE, Long.MAX_VALUE},
            Long.class, new long[] {Long.MIN_VALUE, Long.MAX_VALUE});

    /** A type that is written as a string: which strings, and the way back. */
    private record Text(String pattern, Function<String, Object> parse) {}

    private static final Map<Class<?>, Text> TEXTS = Map.of(
            UUID.class, new Text("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", UUID::fromString),
            LocalDate.class, new Text(Formats.DATE, LocalDate::parse),
            LocalTime.class, new Text(Formats.LOCAL_TIME, LocalTime::parse),
            LocalDateTime.class, new Text(Formats.DATE + "T" + Formats.LOCAL_TIME, LocalDateTime::parse),
            OffsetDateTime.class, new Text(Formats.DATE + "T" + Formats.LOCAL_TIME + OFFSET, OffsetDateTime::parse),
            Instant.class, new Text(Formats.DATE + "T" + Formats.LOCAL_TIME + "Z", Instant::parse),
            Duration.class,
                    new Text("P(?:\\d{1,8}D(?:T(?:\\d{1,8}H)?(?:\\d{1,8}M)?\\d{1,8}S)?|T(?:\\d{1,8}H(?:\\d{1,8}M)?(?:\\d{1,8}S)?"
                            + "|\\d{1,8}M(?:\\d{1,8}S)?|\\d{1,8}S))", Duration::parse),
            Character.class, new Text("[\\u0000-\\uD7FF\\uE000-\\uFFFF]", text -> text.charAt(0)),
            char.class, new Text("[\\u0000-\\uD7FF\\uE000-\\uFFFF]", text -> text.charAt(0)));

    private static final Set<Class<?>> NUMBERS = Set.of(
            float.class, Float.class, double.class, Double.class, BigDecimal.class, BigInteger.class);

    private TypeScalars() {}

    static boolean isScalar(Class<?> type) {
        return INTEGERS.containsKey(type)
                || TEXTS.containsKey(type)
                || NUMBERS.contains(type)
                || type == boolean.class
                || type == Boolean.class
                || type == String.class
                || type == URI.class;
    }

    static Map<String, Object> schema(Class<?> type, @Nullable AnnotatedElement at, String path) {
        Map<String, Object> schema = new LinkedHashMap<>();
        long[] bounds = INTEGERS.get(type);
        Text text = TEXTS.get(type);
        if (bounds != null) {
            schema.put("type", "integer");
            schema.put("minimum", BigDecimal.valueOf(bounds[0]));
            schema.put("maximum", BigDecimal.valueOf(bounds[1]));
        } else if (type == BigInteger.class) {
            schema.put("type", "integer");
        } else if (NUMBERS.contains(type)) {
            schema.put("type", "number");
            if (type != BigDecimal.class) {
                boolean single = type == float.class || type == Float.class;
                BigDecimal greatest =
                        single ? new BigDecimal(Float.toString(Float.MAX_VALUE)) : BigDecimal.valueOf(Double.MAX_VALUE);
                schema.put("minimum", greatest.negate());
                schema.put("maximum", greatest);
            }
        } else if (type == boolean.class || type == Boolean.class) {
            schema.put("type", "boolean");
        } else {
            schema.put("type", "string");
            if (text != null) {
                schema.put("pattern", "^(?:" + text.pattern + ")$");
            } else if (type == URI.class) {
                schema.put("format", "uri");
            }
        }
        annotate(schema, type, at, path);
        return schema;
    }

    private static void annotate(Map<String, Object> schema, Class<?> type, @Nullable AnnotatedElement at, String path) {
        Range range = at == null ? null : at.getAnnotation(Range.class);
        boolean number = INTEGERS.containsKey(type) || NUMBERS.contains(type);
        if (range != null) {
            if (!number) {
                throw TypeMapping.unsupported(path, type, "@Range is for numbers");
            }
            if (range.min() > range.max()) {
                throw TypeMapping.unsupported(path, type, "@Range ends before it begins");
            }
            BigDecimal low = (BigDecimal) schema.get("minimum");
            BigDecimal high = (BigDecimal) schema.get("maximum");
            if (!Double.isInfinite(range.min())) {
                BigDecimal min = BigDecimal.valueOf(range.min()).stripTrailingZeros();
                schema.put("minimum", low == null ? min : low.max(min));
            }
            if (!Double.isInfinite(range.max())) {
                BigDecimal max = BigDecimal.valueOf(range.max()).stripTrailingZeros();
                schema.put("maximum", high == null ? max : high.min(max));
            }
        }
        Matching matching = at == null ? null : at.getAnnotation(Matching.class);
        if (matching != null) {
            if (type != String.class) {
                throw TypeMapping.unsupported(path, type, "@Matching is for strings");
            }
            schema.put("pattern", "^(?:" + matching.value() + ")$");
        }
        if (type == String.class) {
            sized(schema, "Length", at);
        } else if (at != null && at.getAnnotation(Size.class) != null) {
            throw TypeMapping.unsupported(path, type, "@Size is for strings, lists and maps");
        }
    }

    /** Adds what {@link Size} says, as {@code minItems} and {@code maxItems}. */
    static Map<String, Object> sized(Map<String, Object> schema, String what, @Nullable AnnotatedElement at) {
        Size size = at == null ? null : at.getAnnotation(Size.class);
        if (size != null) {
            if (size.min() > 0) {
                schema.put("min" + what, BigDecimal.valueOf(size.min()));
            }
            if (size.max() < Integer.MAX_VALUE) {
                schema.put("max" + what, BigDecimal.valueOf(size.max()));
            }
        }
        return schema;
    }

    static Object decode(Class<?> type, Object json, String where) {
        if (type == boolean.class || type == Boolean.class) {
            if (!(json instanceof Boolean)) {
                throw TypeMapping.wrong(where, "a boolean", json);
            }
            return json;
        }
        long[] bounds = INTEGERS.get(type);
        if (bounds != null) {
            BigInteger value = TypeMapping.integer(json, where);
            if (value.bitLength() > 63 || value.longValue() < bounds[0] || value.longValue() > bounds[1]) {
                throw TypeMapping.wrong(where, "an integer from " + bounds[0] + " to " + bounds[1], json);
            }
            return integer(type, value.longValue());
        }
        if (NUMBERS.contains(type)) {
            return number(type, json, where);
        }
        if (!(json instanceof String text)) {
            throw TypeMapping.wrong(where, "a string", json);
        }
        if (type == String.class) {
            return text;
        }
        Text form = TEXTS.get(type);
        try {
            return form == null ? URI.create(text) : form.parse.apply(text);
        } catch (DateTimeException | IllegalArgumentException | IndexOutOfBoundsException | ArithmeticException e) {
            throw TypeMapping.wrong(where, "a " + type.getSimpleName(), json);
        }
    }

    private static Object integer(Class<?> type, long value) {
        return switch (type.getSimpleName()) {
            case "byte", "Byte" -> (byte) value;
            case "short", "Short" -> (short) value;
            case "int", "Integer" -> (int) value;
            default -> value;
        };
    }

    private static Object number(Class<?> type, Object json, String where) {
        if (type == BigInteger.class) {
            return TypeMapping.integer(json, where);
        }
        BigDecimal value = TypeMapping.number(json, where);
        if (type == BigDecimal.class) {
            return value;
        }
        boolean single = type == float.class || type == Float.class;
        if (single ? Float.isInfinite(value.floatValue()) : Double.isInfinite(value.doubleValue())) {
            throw TypeMapping.wrong(where, "a number that a " + type.getSimpleName() + " can hold", json);
        }
        if (single) {
            return value.floatValue();
        }
        return value.doubleValue();
    }
}
