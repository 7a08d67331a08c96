package dev.nibble.server.anthropic;

import dev.nibble.ChatOptions;
import dev.nibble.GenerationOptions;
import dev.nibble.chat.ChatMessage;
import dev.nibble.chat.Tool;
import dev.nibble.chat.ToolChoice;
import dev.nibble.server.http.Fields;
import dev.nibble.server.http.Json;
import dev.nibble.server.http.RequestException;
import dev.nibble.server.openai.ChatRequest;
import dev.nibble.server.openai.Messages;
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
 * A request for the answer to a conversation, as Anthropic's clients send it.
 *
 * @param model null for the first
 * @param streams whether the answer is wanted as it comes
 */
record MessagesRequest(@Nullable String model, Prompt.Chat prompt, GenerationOptions generation, boolean streams) {

    static MessagesRequest read(Fields fields) {
        fields.refuse("there is nothing of that kind here", "mcp_servers", "container", "context_management");
        GenerationOptions generation = Sampling.read(fields);
        generation = Sampling.limit(generation, fields, "max_tokens");
        List<String> stop = fields.strings("stop_sequences").stream()
                .filter(text -> !text.isEmpty())
                .toList();
        if (!stop.isEmpty()) {
            generation = generation.withStop(stop);
        }
        Fields format = fields.object("output_format");
        Fields config = fields.object("output_config");
        if (format == null && config != null) {
            format = config.object("format");
        }
        if (format != null) {
            if (!"json_schema".equals(format.string("type"))) {
                throw RequestException.unsupported(format.path("type"), "it has to be json_schema");
            }
            generation = generation.withConstraint(Sampling.schema(format, "schema"));
        }
        return new MessagesRequest(
                fields.string("model"),
                new Prompt.Chat(messages(fields), options(fields)),
                generation,
                fields.bool("stream", false));
    }

    Task task() {
        return Task.of(prompt, generation);
    }

    private static ChatOptions options(Fields fields) {
        List<Tool> tools = new ArrayList<>();
        for (Fields tool : fields.objects("tools")) {
            if (!tool.string("type", "custom").equals("custom")) {
                throw RequestException.unsupported(tool.path("type"), "tools are those of the client");
            }
            tools.add(ChatRequest.tool(tool, "input_schema"));
        }
        ChatOptions options = ChatOptions.DEFAULT;
        if (!tools.isEmpty()) {
            Fields choice = fields.object("tool_choice");
            options = options.withTools(tools).withToolChoice(choice(choice, tools));
            if (choice != null && choice.bool("disable_parallel_tool_use", false)) {
                options = options.withParallelToolCalls(false);
            }
        }
        Fields thinking = fields.object("thinking");
        return thinking == null ? options : options.withThinking(!"disabled".equals(thinking.requireString("type")));
    }

    private static ToolChoice choice(@Nullable Fields choice, List<Tool> tools) {
        if (choice == null) {
            return ToolChoice.AUTO;
        }
        String type = choice.requireString("type");
        return switch (type) {
            case "auto" -> ToolChoice.AUTO;
            case "any" -> ToolChoice.REQUIRED;
            case "none" -> ToolChoice.NONE;
            case "tool" -> {
                String name = choice.requireString("name");
                if (tools.stream().noneMatch(tool -> tool.spec().name().equals(name))) {
                    throw RequestException.invalid("tool_choice.name", "there is no tool '" + name + "'");
                }
                yield ToolChoice.named(name);
            }
            default ->
                throw RequestException.invalid(
                        "tool_choice.type", "'tool_choice.type' has to be auto, any, tool or none, not '" + type + "'");
        };
    }

    private static List<ChatMessage> messages(Fields fields) {
        List<ChatMessage> messages = new ArrayList<>();
        String system = Messages.text(fields, "system");
        if (system != null && !system.isEmpty()) {
            messages.add(ChatMessage.system(system));
        }
        if (!fields.has("messages")) {
            throw RequestException.invalid("messages", "'messages' is missing");
        }
        Map<String, String> tools = new HashMap<>();
        List<Fields> turns = fields.objects("messages");
        if (turns.isEmpty()) {
            throw RequestException.invalid("messages", "'messages' must not be empty");
        }
        for (Fields turn : turns) {
            String role = turn.requireString("role");
            switch (role) {
                case "user" -> user(turn, tools, messages);
                case "assistant" -> messages.add(assistant(turn, tools));
                case "system" -> {
                    String text = Messages.text(turn, "content");
                    messages.add(ChatMessage.system(text == null ? "" : text));
                }
                default ->
                    throw RequestException.invalid(
                            turn.path("role"),
                            "'" + turn.path("role") + "' has to be user or assistant, not '" + role + "'");
            }
        }
        return messages;
    }

    /** Results of tools are messages of their own, before what the user says. */
    private static void user(Fields turn, Map<String, String> tools, List<ChatMessage> messages) {
        if (turn.value("content") instanceof String text) {
            messages.add(ChatMessage.user(text));
            return;
        }
        List<String> texts = new ArrayList<>();
        for (Fields block : blocks(turn)) {
            String type = block.requireString("type");
            switch (type) {
                case "text" -> texts.add(block.requireString("text"));
                case "tool_result" -> messages.add(result(block, tools));
                case "image" -> throw RequestException.invalid(block.path("type"), "image input is not supported");
                default -> throw unsupported(block, type);
            }
        }
        if (!texts.isEmpty()) {
            messages.add(ChatMessage.user(String.join("\n", texts)));
        }
    }

    private static List<Fields> blocks(Fields turn) {
        if (!turn.has("content")) {
            throw RequestException.invalid(turn.path("content"), "'" + turn.path("content") + "' is missing");
        }
        return turn.objects("content");
    }

    private static RequestException unsupported(Fields block, String type) {
        return RequestException.invalid(block.path("type"), "blocks of the type '" + type + "' are not supported");
    }

    private static ChatMessage result(Fields block, Map<String, String> tools) {
        String id = block.requireString("tool_use_id");
        List<String> texts = new ArrayList<>();
        if (block.value("content") instanceof String text) {
            texts.add(text);
        } else {
            for (Fields part : block.objects("content")) {
                if (!"text".equals(part.string("type"))) {
                    throw RequestException.invalid(part.path("type"), "image input is not supported");
                }
                texts.add(part.requireString("text"));
            }
        }
        Map<String, Object> more = new LinkedHashMap<>();
        more.put("tool_call_id", id);
        String name = tools.get(id);
        if (name != null) {
            more.put("name", name);
        }
        String text = String.join("\n", texts);
        return new ChatMessage("tool", block.bool("is_error", false) ? "Error: " + text : text, more);
    }

    private static ChatMessage assistant(Fields turn, Map<String, String> tools) {
        if (turn.value("content") instanceof String text) {
            return ChatMessage.assistant(text);
        }
        List<String> texts = new ArrayList<>();
        List<String> thoughts = new ArrayList<>();
        List<Object> calls = new ArrayList<>();
        for (Fields block : blocks(turn)) {
            String type = block.requireString("type");
            switch (type) {
                case "text" -> texts.add(block.requireString("text"));
                case "thinking" -> thoughts.add(block.string("thinking", ""));
                case "redacted_thinking" -> {} // its text is not known here
                case "tool_use" -> {
                    String name = block.requireString("name");
                    String id = block.requireString("id");
                    tools.put(id, name);
                    Map<String, @Nullable Object> function = new LinkedHashMap<>();
                    Object input = block.value("input");
                    function.put("name", name);
                    function.put("arguments", input == null ? Map.of() : Json.plain(input));
                    calls.add(Map.of("id", id, "type", "function", "function", function));
                }
                default -> throw unsupported(block, type);
            }
        }
        Map<String, Object> more = new LinkedHashMap<>();
        if (!thoughts.isEmpty()) {
            more.put("reasoning_content", String.join("\n", thoughts));
        }
        if (!calls.isEmpty()) {
            more.put("tool_calls", calls);
        }
        return new ChatMessage("assistant", String.join("\n", texts), more);
    }
}
