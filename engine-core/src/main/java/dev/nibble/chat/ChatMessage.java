package dev.nibble.chat;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One message of a conversation.
 *
 * @param role {@code system}, {@code user}, {@code assistant}, {@code tool} or what else the model's template knows
 * @param content the text
 * @param fields what else the template may read, such as {@code tool_calls}, {@code tool_call_id}, {@code name} or
 *     {@code reasoning_content}; values as {@link ChatTemplate} takes them. A field {@code content} replaces the text, for
 *     templates that take a list of parts or {@code null}
 */
public record ChatMessage(String role, String content, Map<String, ? extends @Nullable Object> fields) {

    /** Copies {@code fields}, keeping their order. */
    public ChatMessage {
        Objects.requireNonNull(role, "role");
        Objects.requireNonNull(content, "content");
        Objects.requireNonNull(fields, "fields");
        fields = Collections.unmodifiableMap(new LinkedHashMap<>(fields));
    }

    /** A message that is only text. */
    public ChatMessage(String role, String content) {
        this(role, content, Map.of());
    }

    /** What the model is told before the conversation. */
    public static ChatMessage system(String content) {
        return new ChatMessage("system", content);
    }

    /** What the user says. */
    public static ChatMessage user(String content) {
        return new ChatMessage("user", content);
    }

    /** What the model answered. */
    public static ChatMessage assistant(String content) {
        return new ChatMessage("assistant", content);
    }

    /** What a tool that the model called gave back. */
    public static ChatMessage tool(String content) {
        return new ChatMessage("tool", content);
    }

    /**
     * What a tool gave back for a call.
     *
     * @param result as {@link Tool#run} gives it, or what went wrong
     */
    public static ChatMessage tool(ToolCall call, String result) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("name", call.name());
        String id = call.id();
        if (id != null) {
            fields.put("tool_call_id", id);
        }
        return new ChatMessage("tool", result, fields);
    }

    /** The message as a template sees it. */
    Map<String, @Nullable Object> toMap() {
        Map<String, @Nullable Object> map = new LinkedHashMap<>();
        map.put("role", role);
        map.put("content", content);
        map.putAll(fields);
        return map;
    }
}
