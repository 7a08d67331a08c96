package dev.nibble.constraint;

import dev.nibble.json.JsonReader;
import dev.nibble.json.JsonValues;
import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Checks values against JSON schemas keyword by keyword, as the standard tells it: nothing is worked out before, and nothing of
 * the compiler is used, so that it is a second opinion. Of references it knows those into {@code $defs}.
 */
final class PlainValidator {
    private final Map<?, ?> root;

    PlainValidator(Object root) {
        this.root = root instanceof Map<?, ?> map ? map : Map.of();
    }

    boolean accepts(@Nullable Object schema, Object value) {
        if (!(schema instanceof Map<?, ?> map)) {
            return !Boolean.FALSE.equals(schema);
        }
        return map.keySet().stream().allMatch(keyword -> keeps((String) keyword, map, value));
    }

    private boolean keeps(String keyword, Map<?, ?> schema, Object value) {
        Object operand = Objects.requireNonNull(schema.get(keyword));
        return switch (keyword) {
            case "type" ->
                operand instanceof List<?> list
                        ? list.stream().anyMatch(type -> isOf((String) type, value))
                        : isOf((String) operand, value);
            case "enum" -> list(operand).stream().anyMatch(one -> JsonValues.same(one, value));
            case "const" -> JsonValues.same(operand, value);
            case "allOf" -> list(operand).stream().allMatch(one -> accepts(one, value));
            case "anyOf" -> list(operand).stream().anyMatch(one -> accepts(one, value));
            case "oneOf" ->
                list(operand).stream().filter(one -> accepts(one, value)).count() == 1;
            case "not" -> !accepts(operand, value);
            case "if" ->
                accepts(operand, value)
                        ? !schema.containsKey("then") || accepts(schema.get("then"), value)
                        : !schema.containsKey("else") || accepts(schema.get("else"), value);
            case "$ref" -> accepts(referred((String) operand), value);
            default ->
                switch (value) {
                    case BigDecimal number -> keepsNumber(keyword, operand, number);
                    case String text -> keepsText(keyword, operand, text);
                    case List<?> items -> keepsItems(keyword, operand, schema, items);
                    case Map<?, ?> members -> keepsMembers(keyword, operand, schema, members);
                    default -> true;
                };
        };
    }

    private @Nullable Object referred(String reference) {
        return reference.equals("#")
                ? root
                : ((Map<?, ?>) Objects.requireNonNull(root.get("$defs"))).get(reference.substring("#/$defs/".length()));
    }

    private static boolean isOf(String type, Object value) {
        return switch (type) {
            case "null" -> value == JsonReader.NULL;
            case "boolean" -> value instanceof Boolean;
            case "integer" ->
                value instanceof BigDecimal number
                        && number.stripTrailingZeros().scale() <= 0;
            case "number" -> value instanceof BigDecimal;
            case "string" -> value instanceof String;
            case "array" -> value instanceof List<?>;
            default -> value instanceof Map<?, ?>;
        };
    }

    private static boolean keepsNumber(String keyword, Object operand, BigDecimal value) {
        return switch (keyword) {
            case "minimum" -> value.compareTo((BigDecimal) operand) >= 0;
            case "maximum" -> value.compareTo((BigDecimal) operand) <= 0;
            case "exclusiveMinimum" -> value.compareTo((BigDecimal) operand) > 0;
            case "exclusiveMaximum" -> value.compareTo((BigDecimal) operand) < 0;
            case "multipleOf" -> value.remainder((BigDecimal) operand).signum() == 0;
            default -> true;
        };
    }

    private static boolean keepsText(String keyword, Object operand, String value) {
        int length = value.codePointCount(0, value.length());
        return switch (keyword) {
            case "minLength" -> length >= number(operand);
            case "maxLength" -> length <= number(operand);
            case "pattern" -> Pattern.compile((String) operand).matcher(value).find();
            default -> true;
        };
    }

    private boolean keepsItems(String keyword, Object operand, Map<?, ?> schema, List<?> value) {
        return switch (keyword) {
            case "minItems" -> value.size() >= number(operand);
            case "maxItems" -> value.size() <= number(operand);
            case "prefixItems" -> {
                List<?> first = list(operand);
                boolean right = true;
                for (int i = 0; i < Math.min(first.size(), value.size()); i++) {
                    right &= accepts(first.get(i), value.get(i));
                }
                yield right;
            }
            case "items" -> {
                int from = list(schema.get("prefixItems")).size();
                yield value.stream().skip(from).allMatch(item -> accepts(operand, item));
            }
            case "uniqueItems" ->
                Boolean.FALSE.equals(operand)
                        || value.stream().map(JsonValues::canonical).distinct().count() == value.size();
            case "contains" -> {
                long count =
                        value.stream().filter(item -> accepts(operand, item)).count();
                yield count >= (schema.containsKey("minContains") ? number(schema.get("minContains")) : 1)
                        && (!schema.containsKey("maxContains") || count <= number(schema.get("maxContains")));
            }
            default -> true;
        };
    }

    private boolean keepsMembers(String keyword, Object operand, Map<?, ?> schema, Map<?, ?> value) {
        return switch (keyword) {
            case "required" -> value.keySet().containsAll(list(operand));
            case "minProperties" -> value.size() >= number(operand);
            case "maxProperties" -> value.size() <= number(operand);
            case "properties" ->
                map(operand).entrySet().stream()
                        .allMatch(entry -> !value.containsKey(entry.getKey())
                                || accepts(entry.getValue(), Objects.requireNonNull(value.get(entry.getKey()))));
            case "patternProperties" ->
                map(operand).entrySet().stream()
                        .allMatch(entry -> value.entrySet().stream()
                                .allMatch(member -> !finds(entry.getKey(), member.getKey())
                                        || accepts(entry.getValue(), member.getValue())));
            case "additionalProperties" ->
                value.entrySet().stream()
                        .allMatch(member -> isDeclared(schema, member.getKey()) || accepts(operand, member.getValue()));
            case "propertyNames" -> value.keySet().stream().allMatch(name -> accepts(operand, name));
            case "dependentRequired" ->
                map(operand).entrySet().stream()
                        .allMatch(entry -> !value.containsKey(entry.getKey())
                                || value.keySet().containsAll(list(entry.getValue())));
            case "dependentSchemas" ->
                map(operand).entrySet().stream()
                        .allMatch(entry -> !value.containsKey(entry.getKey()) || accepts(entry.getValue(), value));
            default -> true;
        };
    }

    private static boolean isDeclared(Map<?, ?> schema, Object name) {
        return map(schema.get("properties")).containsKey(name)
                || map(schema.get("patternProperties")).keySet().stream().anyMatch(pattern -> finds(pattern, name));
    }

    private static boolean finds(Object pattern, Object name) {
        return Pattern.compile((String) pattern).matcher((String) name).find();
    }

    private static int number(@Nullable Object value) {
        return ((BigDecimal) Objects.requireNonNull(value)).intValue();
    }

    private static List<?> list(@Nullable Object value) {
        return value instanceof List<?> list ? list : List.of();
    }

    private static Map<?, ?> map(@Nullable Object value) {
        return value instanceof Map<?, ?> map ? map : Map.of();
    }
}
