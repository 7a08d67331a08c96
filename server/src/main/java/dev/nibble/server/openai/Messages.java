package dev.nibble.server.openai;

import dev.nibble.chat.ChatMessage;
import dev.nibble.json.JsonException;
import dev.nibble.json.JsonReader;
import dev.nibble.server.http.Fields;
import dev.nibble.server.http.Json;
import dev.nibble.server.http.RequestException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads conversations as OpenAI has them. */
public final class Messages {
    private static final Set<String> ROLES = Set.of("system", "developer", "user", "assistant", "tool");

    private Messages() {}

    /** The messages of a request. */
    public static List<ChatMessage> read(Fields fields) {
        Object value = fields.value("messages");
        if (value == null) {
            throw RequestException.invalid("messages", "'messages' is missing");
        }
        List<Fields> objects = fields.objects("messages");
        if (objects.isEmpty()) {
            throw RequestException.invalid("messages", "'messages' must not be empty");
        }
        Map<String, String> tools = new HashMap<>();
        List<ChatMessage> messages = new ArrayList<>();
        for (Fields message : objects) {
            messages.add(message(message, tools));
        }
        return messages;
    }

    /**
     * A message.
     *
     * @param tools the tools of calls so far by their ids; those of this message are added
     */
    private static ChatMessage message(Fields message, Map<String, String> tools) {
        String role = message.requireString("role");
        if (!ROLES.contains(role)) {
            throw RequestException.invalid(
                    message.path("role"),
                    "'" + message.path("role") + "' has to be one of system, developer, user,"
                            + " assistant and tool, not '" + role + "'");
        }
        Map<String, @Nullable Object> more = new LinkedHashMap<>();
        // Texts of the assistant are paragraphs, as llama.cpp's server has it where one is continued.
        String text = text(message, "content", role.equals("assistant") ? "\n\n" : "\n");
        List<Fields> calls = message.objects("tool_calls");
        if (!calls.isEmpty()) {
            more.put("tool_calls", calls.stream().map(call -> call(call, tools)).toList());
        }
        message.refuse("use tool_calls", "function_call");
        String reasoning = message.string("reasoning_content");
        if (reasoning != null) {
            more.put("reasoning_content", reasoning);
        }
        String id = message.string("tool_call_id");
        if (id != null) {
            more.put("tool_call_id", id);
        }
        String name = message.string("name");
        if (name == null && id != null) {
            name = tools.get(id);
        }
        if (name != null) {
            more.put("name", name);
        }
        if (text == null && calls.isEmpty() && reasoning == null) {
            throw RequestException.invalid(message.path("content"), "'" + message.path("content") + "' is missing");
        }
        return new ChatMessage(role.equals("developer") ? "system" : role, text == null ? "" : text, more);
    }

    private static Map<String, @Nullable Object> call(Fields call, Map<String, String> tools) {
        Fields function = call.object("function");
        if (function == null) {
            throw RequestException.invalid(call.path("function"), "'" + call.path("function") + "' is missing");
        }
        String name = function.requireString("name");
        String id = call.string("id");
        if (id != null) {
            tools.put(id, name);
        }
        Map<String, @Nullable Object> made = new LinkedHashMap<>();
        if (id != null) {
            made.put("id", id);
        }
        made.put("type", "function");
        made.put("function", function(name, arguments(function)));
        return made;
    }

    private static Map<String, @Nullable Object> function(String name, @Nullable Object arguments) {
        Map<String, @Nullable Object> made = new LinkedHashMap<>();
        made.put("name", name);
        made.put("arguments", arguments);
        return made;
    }

    /** The arguments as templates want them: a map, or the text if it is none. */
    private static @Nullable Object arguments(Fields function) {
        Object value = function.value("arguments");
        if (!(value instanceof String text)) {
            return value == null ? Map.of() : Json.plain(value);
        }
        try {
            Object read = text.isBlank() ? Map.of() : JsonReader.read(text, function.path("arguments"));
            return read instanceof Map<?, ?> ? Json.plain(read) : text;
        } catch (JsonException e) {
            return text;
        }
    }

    /** A text, or the texts of parts joined by line ends; null if there is none. */
    public static @Nullable String text(Fields message, String name) {
        return text(message, name, "\n");
    }

    /** A text, or the texts of parts with something between them; null if there is none. */
    public static @Nullable String text(Fields message, String name, String between) {
        Object content = message.value(name);
        if (content == null || content instanceof String) {
            return (String) content;
        }
        List<String> texts = new ArrayList<>();
        for (Fields part : message.objects(name)) {
            String type = part.requireString("type");
            switch (type) {
                case "text", "input_text", "output_text" -> texts.add(part.requireString("text"));
                case "refusal" -> texts.add(part.requireString("refusal"));
                case "image_url", "input_image" ->
                    throw RequestException.invalid(part.path("type"), "image input is not supported");
                case "input_audio" -> throw RequestException.invalid(part.path("type"), "audio input is not supported");
                default ->
                    throw RequestException.invalid(
                            part.path("type"), "content of the type '" + type + "' is not supported");
            }
        }
        return String.join(between, texts);
    }
}
