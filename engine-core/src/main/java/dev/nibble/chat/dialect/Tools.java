package dev.nibble.chat.dialect;

import dev.nibble.constraint.ConstraintException;
import dev.nibble.constraint.JsonSchema;
import dev.nibble.json.JsonException;
import dev.nibble.json.JsonReader;
import dev.nibble.json.JsonValues;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The tools that a model may call, by name, and what their schemas say of the arguments. */
public final class Tools {
    private static final int MAX_REFERENCES = 16;

    private record Tool(Map<?, ?> schema, String text) {}

    private final Map<String, Tool> byName = new LinkedHashMap<>();

    /**
     * Those with these schemas.
     *
     * @param schemas JSON schemas by the names of the tools
     * @throws ConstraintException if a schema is not a JSON object; the message names the tool
     */
    public Tools(Map<String, String> schemas) {
        schemas.forEach((name, text) -> {
            Object schema;
            try {
                schema = JsonReader.read(text, "the schema of the tool " + name);
            } catch (JsonException e) {
                throw new ConstraintException(e.getMessage(), e);
            }
            if (!(schema instanceof Map<?, ?> map)) {
                throw new ConstraintException("the schema of the tool " + name + " is not a JSON object");
            }
            byName.put(name, new Tool(map, text));
        });
    }

    boolean isEmpty() {
        return byName.isEmpty();
    }

    boolean has(String name) {
        return byName.containsKey(name);
    }

    /** Why a call is not valid, null if it is. */
    @Nullable String problem(String name, String arguments) {
        Tool tool = byName.get(name);
        if (tool == null) {
            return "there is no tool " + name;
        }
        Object value;
        try {
            value = JsonReader.read(arguments, "the text of the arguments");
        } catch (JsonException e) {
            return e.getMessage();
        }
        if (!(value instanceof Map<?, ?> map)) {
            return "the arguments are not a JSON object";
        }
        if (tool.schema.get("required") instanceof List<?> required) {
            for (Object one : required) {
                if (!map.containsKey(one)) {
                    return "the required argument " + one + " is missing";
                }
            }
        }
        try {
            return JsonSchema.of(tool.text).accepts(arguments)
                    ? null
                    : "the arguments do not satisfy the schema of the tool";
        } catch (ConstraintException e) {
            return "the arguments cannot be checked: " + e.getMessage();
        }
    }

    /**
     * An argument that was written as text, as JSON.
     *
     * @param string whether the text is that of a string; null: the schema decides, for which what may be a string is one
     */
    String value(String tool, String key, String text, @Nullable Boolean string) {
        Object schema = property(tool, key);
        Tool root = byName.get(tool);
        Map<?, ?> definitions = root == null ? Map.of() : root.schema;
        if (string == null ? mayBeString(schema, definitions, 0) : string) {
            return JsonValues.write(text);
        }
        String trimmed = text.strip();
        String word = switch (trimmed) {
            case "True" -> "true";
            case "False" -> "false";
            case "None" -> "null";
            default -> trimmed;
        };
        try {
            JsonReader.read(word, "the value");
            return word;
        } catch (JsonException e) {
            return JsonValues.write(text);
        }
    }

    private @Nullable Object property(String name, String key) {
        Tool tool = byName.get(name);
        if (tool == null) {
            return null;
        }
        return tool.schema.get("properties") instanceof Map<?, ?> properties && properties.containsKey(key)
                ? properties.get(key)
                : tool.schema.get("additionalProperties");
    }

    /** Whether a schema allows some string; what it does not say, it allows. */
    static boolean mayBeString(@Nullable Object schema, Map<?, ?> root, int depth) {
        if (!(schema instanceof Map<?, ?> map) || depth > MAX_REFERENCES) {
            return !Boolean.FALSE.equals(schema);
        }
        if (map.get("$ref") instanceof String reference && !mayBeString(referenced(root, reference), root, depth + 1)) {
            return false;
        }
        Object types = map.get("type");
        if (types instanceof String one && !one.equals("string")
                || types instanceof List<?> list && !list.contains("string")
                || map.containsKey("const") && !(map.get("const") instanceof String)
                || map.get("enum") instanceof List<?> values && values.stream().noneMatch(String.class::isInstance)) {
            return false;
        }
        for (String union : List.of("anyOf", "oneOf")) {
            if (map.get(union) instanceof List<?> parts
                    && parts.stream().noneMatch(part -> mayBeString(part, root, depth + 1))) {
                return false;
            }
        }
        return !(map.get("allOf") instanceof List<?> parts)
                || parts.stream().allMatch(part -> mayBeString(part, root, depth + 1));
    }

    private static @Nullable Object referenced(Map<?, ?> root, String reference) {
        Object at = root;
        if (!reference.startsWith("#")) {
            return null;
        }
        for (String part : reference.substring(1).split("/", -1)) {
            if (!part.isEmpty()) {
                at = at instanceof Map<?, ?> map
                        ? map.get(part.replace("~1", "/").replace("~0", "~"))
                        : null;
            }
        }
        return at;
    }
}
