package dev.nibble.chat;

import dev.nibble.json.JsonReader;
import dev.nibble.json.JsonValues;
import java.lang.reflect.Method;
import java.lang.reflect.RecordComponent;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Values on the way between tools and models: JSON as templates take it, and results as text. */
final class ToolValues {
    private static final int MAX_DEPTH = 50;

    private ToolValues() {}

    /** JSON as a template takes it: numbers that are integers as such, null as null. */
    static @Nullable Object forTemplate(Object json) {
        return switch (json) {
            case BigDecimal number -> {
                boolean integer = number.stripTrailingZeros().scale() <= 0;
                yield !integer
                        ? (Object) number.doubleValue()
                        : number.abs().compareTo(BigDecimal.valueOf(Long.MAX_VALUE)) <= 0
                                ? (Object) number.longValueExact()
                                : number.toBigIntegerExact();
            }
            case List<?> list -> {
                List<@Nullable Object> items = new ArrayList<>();
                list.forEach(item -> items.add(forTemplate(item)));
                yield items;
            }
            case Map<?, ?> map -> {
                Map<String, @Nullable Object> members = new LinkedHashMap<>();
                map.forEach((key, value) -> members.put((String) key, forTemplate(value)));
                yield members;
            }
            default -> json == JsonReader.NULL ? null : json;
        };
    }

    /** What a tool gave back, as text for the model: a text as it is, all else as JSON as far as it can be written so. */
    static String text(@Nullable Object result) {
        return result instanceof CharSequence text ? text.toString() : JsonValues.write(json(result, 0));
    }

    private static Object json(@Nullable Object value, int depth) {
        if (depth > MAX_DEPTH) {
            return String.valueOf(value);
        }
        return switch (value) {
            case null -> JsonReader.NULL;
            case Boolean truth -> truth;
            case Double number when !Double.isFinite(number) -> number.toString();
            case Float number when !Float.isFinite(number) -> number.toString();
            case Number number -> new BigDecimal(number.toString());
            case Optional<?> optional -> json(optional.orElse(null), depth + 1);
            case Collection<?> items ->
                items.stream().map(item -> json(item, depth + 1)).toList();
            case Object[] items ->
                Arrays.stream(items).map(item -> json(item, depth + 1)).toList();
            case Map<?, ?> map -> {
                Map<String, Object> members = new LinkedHashMap<>();
                map.forEach((key, member) -> members.put(String.valueOf(key), json(member, depth + 1)));
                yield members;
            }
            case Record members -> members(members, depth);
            default -> value.toString();
        };
    }

    private static Object members(Record value, int depth) {
        Map<String, Object> members = new LinkedHashMap<>();
        try {
            for (RecordComponent component : value.getClass().getRecordComponents()) {
                Method accessor = component.getAccessor();
                accessor.setAccessible(true);
                members.put(component.getName(), json(accessor.invoke(value), depth + 1));
            }
            return members;
        } catch (ReflectiveOperationException | RuntimeException e) {
            return value.toString(); // its module keeps it closed
        }
    }
}
