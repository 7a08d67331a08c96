package dev.nibble.server.openai;

import dev.nibble.ChatOptions;
import dev.nibble.GenerationOptions;
import dev.nibble.chat.ChatMessage;
import dev.nibble.chat.Tool;
import dev.nibble.constraint.Constraint;
import dev.nibble.json.JsonException;
import dev.nibble.json.JsonReader;
import dev.nibble.server.http.Fields;
import dev.nibble.server.http.Json;
import dev.nibble.server.http.RequestException;
import dev.nibble.server.work.Prompt;
import dev.nibble.server.work.Sampling;
import dev.nibble.server.work.Task;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A request of OpenAI's responses API. Nothing is kept between requests: each has the whole conversation.
 *
 * @param model null for the first
 * @param streams whether the answer is wanted as it comes
 * @param echoed members that an answer repeats
 */
record ResponsesRequest(@Nullable String model, Task task, boolean streams, Map<String, Object> echoed) {

    static ResponsesRequest read(Fields fields) {
        fields.refuse(
                "nothing is kept between requests; send the whole conversation",
                "previous_response_id",
                "conversation");
        fields.refuse("there is nothing of that kind here", "background", "prompt", "top_logprobs", "max_tool_calls");
        GenerationOptions generation = Sampling.limit(Sampling.read(fields), fields, "max_output_tokens");
        Fields text = fields.object("text");
        Constraint format = text == null ? null : ChatRequest.format(text.object("format"));
        if (format != null) {
            generation = generation.withConstraint(format);
        }
        Map<String, Object> echoed = Json.object(
                "instructions",
                fields.value("instructions"),
                "max_output_tokens",
                fields.value("max_output_tokens"),
                "metadata",
                fields.has("metadata") ? fields.value("metadata") : Json.object(),
                "parallel_tool_calls",
                fields.bool("parallel_tool_calls", true),
                "previous_response_id",
                null,
                "reasoning",
                fields.has("reasoning") ? fields.value("reasoning") : Json.object("effort", null, "summary", null),
                "store",
                false,
                "temperature",
                fields.value("temperature"),
                "text",
                text == null ? Json.object("format", Json.object("type", "text")) : fields.value("text"),
                "tool_choice",
                fields.has("tool_choice") ? fields.value("tool_choice") : "auto",
                "tools",
                fields.array("tools"),
                "top_p",
                fields.value("top_p"),
                "truncation",
                "disabled");
        return new ResponsesRequest(
                fields.string("model"),
                Task.of(Prompt.Chat.of(messages(fields), options(fields), generation), generation),
                fields.bool("stream", false),
                echoed);
    }

    private static ChatOptions options(Fields fields) {
        List<Tool> tools = new ArrayList<>();
        for (Fields tool : fields.objects("tools")) {
            if (!tool.requireString("type").equals("function")) {
                throw RequestException.unsupported(tool.path("type"), "tools are functions");
            }
            tools.add(ChatRequest.tool(tool, "parameters"));
        }
        ChatOptions options = ChatOptions.DEFAULT;
        if (!tools.isEmpty()) {
            options = options.withTools(tools)
                    .withToolChoice(ChatRequest.choice(fields.value("tool_choice"), tools))
                    .withParallelToolCalls(fields.bool("parallel_tool_calls", true));
        }
        Fields reasoning = fields.object("reasoning");
        String effort = reasoning == null ? null : reasoning.string("effort");
        return effort == null ? options : ChatRequest.effort(effort, "reasoning.effort", options);
    }

    private static List<ChatMessage> messages(Fields fields) {
        List<ChatMessage> messages = new ArrayList<>();
        String instructions = fields.string("instructions");
        if (instructions != null && !instructions.isEmpty()) {
            messages.add(ChatMessage.system(instructions));
        }
        Object input = fields.value("input");
        if (input instanceof String text) {
            messages.add(ChatMessage.user(text));
            return messages;
        }
        List<Fields> items = fields.objects("input");
        if (items.isEmpty()) {
            throw RequestException.invalid("input", "'input' is missing");
        }
        Map<String, String> tools = new HashMap<>();
        List<Object> calls = new ArrayList<>();
        String reasoning = null;
        for (Fields item : items) {
            String type = item.string("type", "message");
            switch (type) {
                case "function_call" -> calls.add(call(item, tools));
                case "reasoning" -> reasoning = reasoning(item);
                default -> {
                    addCalls(calls, reasoning, messages);
                    messages.add(other(item, type, tools));
                    reasoning = null;
                }
            }
        }
        addCalls(calls, reasoning, messages);
        return messages;
    }

    /** Calls in a row are one message of the model. */
    private static void addCalls(List<Object> calls, @Nullable String reasoning, List<ChatMessage> messages) {
        if (!calls.isEmpty()) {
            Map<String, Object> more = new LinkedHashMap<>();
            more.put("tool_calls", List.copyOf(calls));
            if (reasoning != null) {
                more.put("reasoning_content", reasoning);
            }
            messages.add(new ChatMessage("assistant", "", more));
            calls.clear();
        }
    }

    private static ChatMessage other(Fields item, String type, Map<String, String> tools) {
        return switch (type) {
            case "message" -> {
                String role = item.requireString("role");
                if (!List.of("system", "developer", "user", "assistant").contains(role)) {
                    throw RequestException.invalid(
                            item.path("role"),
                            "'" + item.path("role") + "' has to be system, developer, user or assistant");
                }
                String text = Messages.text(item, "content");
                if (text == null) {
                    throw RequestException.invalid(item.path("content"), "'" + item.path("content") + "' is missing");
                }
                yield new ChatMessage(role.equals("developer") ? "system" : role, text);
            }
            case "function_call_output" -> {
                String id = item.requireString("call_id");
                String text = Messages.text(item, "output");
                Map<String, Object> more = new LinkedHashMap<>();
                more.put("tool_call_id", id);
                String name = tools.get(id);
                if (name != null) {
                    more.put("name", name);
                }
                yield new ChatMessage("tool", text == null ? "" : text, more);
            }
            default ->
                throw RequestException.invalid(item.path("type"), "items of the type '" + type + "' are not supported");
        };
    }

    private static Object call(Fields item, Map<String, String> tools) {
        String name = item.requireString("name");
        String id = item.requireString("call_id");
        tools.put(id, name);
        String text = item.string("arguments", "{}");
        Object arguments;
        try {
            arguments = Json.plain(JsonReader.read(text, item.path("arguments")));
        } catch (JsonException e) {
            arguments = text;
        }
        Map<String, @Nullable Object> function = new LinkedHashMap<>();
        function.put("name", name);
        function.put("arguments", arguments);
        return Map.of("id", id, "type", "function", "function", function);
    }

    private static String reasoning(Fields item) {
        StringBuilder text = new StringBuilder();
        for (Fields part : item.objects("content")) {
            text.append(part.string("text", ""));
        }
        return text.toString();
    }
}
