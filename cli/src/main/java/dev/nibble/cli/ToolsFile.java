package dev.nibble.cli;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.nibble.chat.ToolCall;
import dev.nibble.chat.ToolSpec;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Tools and their calls as JSON. */
final class ToolsFile {
    private static final JSON WITH_NULLS = JSON.std.with(JSON.Feature.WRITE_NULL_PROPERTIES);

    private ToolsFile() {}

    /** The tools of a file: a list of them, or an object with the list as {@code tools}; {@code -} for standard input. */
    static List<ToolSpec> read(Path file, InputStream in) throws IOException {
        Object value = Input.json(Input.text(file, in), file.toString());
        return of(value instanceof Map<?, ?> map ? map.get("tools") : value, file.toString());
    }

    /**
     * Tools in the form of functions, with or without what says that they are some.
     *
     * @param value a list, or null for none
     * @param where it stands, for messages
     */
    static List<ToolSpec> of(@Nullable Object value, String where) throws IOException {
        List<ToolSpec> tools = new ArrayList<>();
        if (value == null) {
            return tools;
        }
        if (!(value instanceof List<?> list)) {
            throw new IOException(where + ": tools is not a list");
        }
        for (Object one : list) {
            Object function = one instanceof Map<?, ?> map && map.get("function") != null ? map.get("function") : one;
            if (!(function instanceof Map<?, ?> tool) || !(tool.get("name") instanceof String name)) {
                throw new IOException(where + ": tool " + (tools.size() + 1) + " has no name");
            }
            Object schema = tool.get("parameters");
            try {
                tools.add(ToolSpec.of(
                        name,
                        tool.get("description") instanceof String description ? description : "",
                        schema == null ? "{\"type\":\"object\"}" : WITH_NULLS.asString(schema)));
            } catch (IllegalArgumentException e) {
                throw new IOException(where + ": " + e.getMessage(), e);
            }
        }
        return tools;
    }

    /** A call: its name, its arguments, and its id where it has one. */
    static Map<String, @Nullable Object> fields(ToolCall call) throws IOException {
        Map<String, @Nullable Object> fields = new LinkedHashMap<>();
        fields.put("name", call.name());
        fields.put("arguments", Input.json(call.arguments(), "the arguments of " + call.name()));
        if (call.id() != null) {
            fields.put("id", call.id());
        }
        return fields;
    }

    /** A call in one line. */
    static String line(ToolCall call) {
        try {
            return WITH_NULLS.asString(fields(call));
        } catch (IOException e) {
            throw new IllegalStateException("the call " + call + " is not JSON", e);
        }
    }
}
