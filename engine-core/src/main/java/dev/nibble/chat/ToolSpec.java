package dev.nibble.chat;

import dev.nibble.json.JsonException;
import dev.nibble.json.JsonReader;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What a model is told of a tool that it may call. Immutable. */
public final class ToolSpec {
    private final String name;
    private final String description;
    private final String schema;

    private ToolSpec(String name, String description, String schema) {
        this.name = name;
        this.description = description;
        this.schema = schema;
    }

    /**
     * A tool.
     *
     * @param name letters, digits, {@code _}, {@code -} and {@code .}, 64 of them at the most
     * @param description what it does, for the model
     * @param schema the JSON schema of the arguments, that of an object
     * @throws IllegalArgumentException if the name has other characters, or the schema is not a JSON object
     */
    public static ToolSpec of(String name, String description, String schema) {
        Objects.requireNonNull(description, "description");
        if (!name.matches("[A-Za-z0-9_.-]{1,64}")) {
            throw new IllegalArgumentException(
                    "a name of a tool has 1 to 64 letters, digits, '_', '-' and '.', not: " + name);
        }
        try {
            if (!(JsonReader.read(schema, "the schema of the tool " + name) instanceof Map)) {
                throw new IllegalArgumentException("the schema of the tool " + name + " is not a JSON object");
            }
        } catch (JsonException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
        return new ToolSpec(name, description, schema);
    }

    /** Tools as the variable {@code tools} of chat templates. */
    public static List<Map<String, @Nullable Object>> templateVariable(List<ToolSpec> tools) {
        return tools.stream().map(ToolSpec::toMap).toList();
    }

    /** What the model calls it. */
    public String name() {
        return name;
    }

    /** What it does. */
    public String description() {
        return description;
    }

    /** The JSON schema of its arguments. */
    public String schema() {
        return schema;
    }

    /** The tool as chat templates take it, in the form that is usual for functions. */
    Map<String, @Nullable Object> toMap() {
        Map<String, @Nullable Object> function = new LinkedHashMap<>();
        function.put("name", name);
        function.put("description", description);
        function.put("parameters", ToolValues.forTemplate(JsonReader.read(schema, "the schema of the tool " + name)));
        Map<String, @Nullable Object> map = new LinkedHashMap<>();
        map.put("type", "function");
        map.put("function", function);
        return map;
    }

    @Override
    public String toString() {
        return name + ": " + description;
    }
}
