package dev.nibble.chat.dialect;

import dev.nibble.constraint.Constraint;
import dev.nibble.constraint.ConstraintException;
import dev.nibble.constraint.JsonSchema;
import dev.nibble.json.JsonReader;
import dev.nibble.json.JsonValues;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A tool as a grammar of its calls needs it: its name, its parameters, and what may be written for them. */
final class ToolSchema {
    private static final List<String> DEFINITIONS = List.of("$defs", "definitions", "$schema");

    final String name;
    private final Map<String, Object> schema;

    /** @param schema JSON, an object */
    ToolSchema(String name, String schema) {
        this.name = name;
        this.schema = new LinkedHashMap<>();
        this.schema.put("type", "object");
        if (JsonReader.read(schema, "the schema of the tool " + name) instanceof Map<?, ?> map) {
            map.forEach((key, value) -> this.schema.put((String) key, value));
        }
    }

    /** A parameter. */
    record Parameter(String key, Object schema, boolean required) {}

    /**
     * The parameters, in the order of the schema.
     *
     * @throws ConstraintException if the schema says more than which parameters there are, so that they cannot be written one
     *     by one
     */
    List<Parameter> parameters() {
        for (String keyword : schema.keySet()) {
            if (!Set.of("type", "properties", "required", "additionalProperties", "title", "description", "default")
                            .contains(keyword)
                    && !DEFINITIONS.contains(keyword)
                    && !keyword.startsWith("x-")) {
                throw refused("#: " + keyword + " cannot be enforced where the model writes parameters one by one");
            }
        }
        List<?> required = schema.get("required") instanceof List<?> list ? list : List.of();
        Map<?, ?> properties = schema.get("properties") instanceof Map<?, ?> map ? map : Map.of();
        for (Object one : required) {
            if (!properties.containsKey(one)) {
                throw refused("#/required: the parameter " + one + " is not declared");
            }
        }
        return properties.entrySet().stream()
                .map(entry -> new Parameter(
                        (String) entry.getKey(), whole(entry.getValue()), required.contains(entry.getKey())))
                .toList();
    }

    /** A part of the schema, with the definitions that it may refer to. */
    private Object whole(Object part) {
        Map<String, Object> whole = new LinkedHashMap<>();
        if (part instanceof Map<?, ?> map) {
            map.forEach((key, value) -> whole.put((String) key, value));
        } else {
            return part;
        }
        for (String definitions : DEFINITIONS) {
            Object value = schema.get(definitions);
            if (value != null) {
                whole.putIfAbsent(definitions, value);
            }
        }
        return whole;
    }

    /** All arguments as a JSON object. */
    Constraint arguments() {
        return naming(() -> Constraint.jsonSchema(JsonValues.write(schema)));
    }

    /** A value of a parameter as JSON. */
    Constraint json(Parameter parameter) {
        return naming(() -> Constraint.jsonSchema(JsonValues.write(parameter.schema)));
    }

    /** Whether a value satisfies the schema of a parameter. */
    boolean accepts(Parameter parameter, String json) {
        return naming(() -> JsonSchema.of(JsonValues.write(parameter.schema)).accepts(json));
    }

    /** A string of a parameter without quotes up to a mark and with it; null if it is never a string. */
    @Nullable Constraint unquoted(Parameter parameter, String mark) {
        if (!Tools.mayBeString(parameter.schema, schema, 0)) {
            return null;
        }
        return naming(() -> Constraint.unquoted(JsonValues.write(parameter.schema), mark));
    }

    private <T> T naming(Supplier<T> made) {
        try {
            return made.get();
        } catch (ConstraintException e) {
            throw refused(String.valueOf(e.getMessage()));
        }
    }

    ConstraintException refused(String why) {
        return new ConstraintException("the tool " + name + ": " + why);
    }
}
