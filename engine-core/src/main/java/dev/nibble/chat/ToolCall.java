package dev.nibble.chat;

import dev.nibble.json.JsonReader;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A call of a tool that a model has asked for. Immutable. */
public final class ToolCall {
    private final String name;
    private final String arguments;
    private final @Nullable String id;

    private ToolCall(String name, String arguments, @Nullable String id) {
        this.name = name;
        this.arguments = arguments;
        this.id = id;
    }

    /**
     * A call.
     *
     * @param name the name of the tool
     * @param arguments a JSON object
     * @param id what the model calls the call, null if it does not say
     */
    public static ToolCall of(String name, String arguments, @Nullable String id) {
        return new ToolCall(Objects.requireNonNull(name, "name"), Objects.requireNonNull(arguments, "arguments"), id);
    }

    /** The name of the tool. */
    public String name() {
        return name;
    }

    /** The arguments, a JSON object. */
    public String arguments() {
        return arguments;
    }

    /** What the model calls the call, null if it does not say. */
    public @Nullable String id() {
        return id;
    }

    /** The call as chat templates take it. */
    Map<String, @Nullable Object> toMap() {
        Map<String, @Nullable Object> function = new LinkedHashMap<>();
        function.put("name", name);
        function.put("arguments", ToolValues.forTemplate(JsonReader.read(arguments, "the arguments of " + name)));
        Map<String, @Nullable Object> map = new LinkedHashMap<>();
        map.put("type", "function");
        if (id != null) {
            map.put("id", id);
        }
        map.put("function", function);
        return map;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof ToolCall call
                && name.equals(call.name)
                && arguments.equals(call.arguments)
                && Objects.equals(id, call.id);
    }

    @Override
    public int hashCode() {
        return Objects.hash(name, arguments, id);
    }

    @Override
    public String toString() {
        return name + arguments;
    }
}
