package dev.nibble.server.openai;

import dev.nibble.ChatOptions;
import dev.nibble.GenerationOptions;
import dev.nibble.chat.Tool;
import dev.nibble.chat.ToolChoice;
import dev.nibble.chat.ToolSpec;
import dev.nibble.constraint.Constraint;
import dev.nibble.server.http.Fields;
import dev.nibble.server.http.Json;
import dev.nibble.server.http.RequestException;
import dev.nibble.server.work.Constraints;
import dev.nibble.server.work.Prompt;
import dev.nibble.server.work.Sampling;
import dev.nibble.server.work.Task;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * A request for the answer to a conversation, as OpenAI's clients send it.
 *
 * @param model null for the first
 * @param streams whether the answer is wanted as it comes
 * @param includeUsage whether the stream ends with the counts
 * @param logprobs whether the probabilities of tokens are wanted
 * @param progress whether a stream tells how far the prompt is
 * @param verbose whether the prompt is told as its tokens spell it
 */
public record ChatRequest(
        @Nullable String model,
        Task task,
        boolean streams,
        boolean includeUsage,
        boolean logprobs,
        boolean progress,
        boolean verbose) {
    private static final int MOST_ANSWERS = 16;
    private static final int MOST_TOP = 20;

    /** Reads a request, or fails with the name of the field that is wrong. */
    public static ChatRequest read(Fields fields) {
        fields.refuse("use tools and tool_choice", "functions", "function_call");
        fields.refuse("there is nothing of that kind here", "audio", "web_search_options", "best_of");
        fields.refuse(
                "the thinking cannot be limited",
                "thinking_budget_tokens",
                "reasoning_budget_tokens",
                "reasoning_budget");
        boolean continues = fields.bool("continue_final_message", false);
        if (continues && fields.bool("add_generation_prompt", false)) {
            throw RequestException.invalid(
                    "continue_final_message",
                    "give one of 'add_generation_prompt' and 'continue_final_message', not both");
        }
        if (!continues && !fields.bool("add_generation_prompt", true)) {
            throw RequestException.unsupported("add_generation_prompt", "an answer is always asked for");
        }
        for (String modality : fields.strings("modalities")) {
            if (!modality.equals("text")) {
                throw RequestException.unsupported("modalities", "answers are text, not " + modality);
            }
        }
        if ("none".equals(fields.string("reasoning_format"))) {
            throw RequestException.unsupported("reasoning_format", "thinking is always told apart from the answer");
        }
        GenerationOptions generation = Sampling.read(fields);
        generation = Sampling.limit(generation, fields, "max_completion_tokens", "max_tokens", "n_predict");
        generation = Sampling.bias(generation, fields);
        Constraint format = format(fields.object("response_format"));
        if (format != null) {
            if (generation.constraint().isPresent()) {
                throw RequestException.invalid(
                        "response_format", "give one of response_format, grammar, json_schema, regex and choices");
            }
            generation = generation.withConstraint(format);
        }
        boolean logprobs = fields.bool("logprobs", false);
        generation = generation.withTopLogProbabilities(top(fields, logprobs));
        Fields streamOptions = fields.object("stream_options");
        boolean streams = fields.bool("stream", false);
        Prompt.Chat chat = Prompt.Chat.of(Messages.read(fields), options(fields), generation);
        if (continues && chat.options().answerBeginning().isEmpty()) {
            throw RequestException.invalid(
                    "continue_final_message",
                    "'continue_final_message' needs a text of the assistant as the last message");
        }
        Task task = Task.of(chat, generation).withCount(count(fields)).withPriority(Sampling.priority(fields));
        return new ChatRequest(
                fields.string("model"),
                task,
                streams,
                streamOptions != null && streamOptions.bool("include_usage", false),
                logprobs,
                streams && fields.bool("return_progress", false),
                fields.bool("verbose", false));
    }

    static int count(Fields fields) {
        int count = fields.integer("n").orElse(1);
        if (count < 1 || count > MOST_ANSWERS) {
            throw RequestException.invalid("n", "'n' has to be from 1 to " + MOST_ANSWERS + ", not " + count);
        }
        return count;
    }

    private static int top(Fields fields, boolean logprobs) {
        OptionalInt top = fields.integer("top_logprobs");
        if (top.isPresent() && top.getAsInt() > 0 && !logprobs) {
            throw RequestException.invalid("top_logprobs", "'top_logprobs' needs 'logprobs' to be true");
        }
        if (top.isPresent() && (top.getAsInt() < 0 || top.getAsInt() > MOST_TOP)) {
            throw RequestException.invalid(
                    "top_logprobs", "'top_logprobs' has to be from 0 to " + MOST_TOP + ", not " + top.getAsInt());
        }
        return top.orElse(0);
    }

    /** What the text has to look like, null for anything. */
    static @Nullable Constraint format(@Nullable Fields format) {
        if (format == null) {
            return null;
        }
        String type = format.requireString("type");
        return switch (type) {
            case "text" -> null;
            // llama.cpp takes a schema here as well.
            case "json_object" -> format.has("schema") ? Sampling.schema(format, "schema") : Constraints.jsonObject();
            case "json_schema" -> {
                Fields inner = format.object("json_schema");
                Fields holder = inner == null ? format : inner; // the responses API has no inner object
                if (!holder.has("schema")) {
                    throw RequestException.invalid(holder.path("schema"), "'" + holder.path("schema") + "' is missing");
                }
                yield Sampling.schema(holder, "schema");
            }
            default ->
                throw RequestException.invalid(
                        format.path("type"),
                        "'" + format.path("type") + "' has to be text, json_object or json_schema, not '" + type + "'");
        };
    }

    private static ChatOptions options(Fields fields) {
        List<Tool> tools = new ArrayList<>();
        for (Fields tool : fields.objects("tools")) {
            if (!tool.requireString("type").equals("function")) {
                throw RequestException.unsupported(tool.path("type"), "tools are functions");
            }
            Fields function = tool.object("function");
            if (function == null) {
                throw RequestException.invalid(tool.path("function"), "'" + tool.path("function") + "' is missing");
            }
            tools.add(tool(function, "parameters"));
        }
        ChatOptions options = ChatOptions.DEFAULT;
        if (!tools.isEmpty()) {
            options = options.withTools(tools)
                    .withToolChoice(choice(fields.value("tool_choice"), tools))
                    .withParallelToolCalls(fields.bool("parallel_tool_calls", true));
        }
        return thinking(fields, options);
    }

    private static ChatOptions thinking(Fields fields, ChatOptions options) {
        Map<String, Object> variables = new LinkedHashMap<>();
        Fields given = fields.object("chat_template_kwargs");
        if (given != null) {
            for (String name : given.names()) {
                Object value = Json.plain(Json.orNull(given.value(name)));
                if (value != null) {
                    variables.put(name, value);
                }
            }
        }
        ChatOptions with = variables.isEmpty() ? options : options.withTemplateVariables(variables);
        String effort = fields.string("reasoning_effort");
        return effort == null ? with : effort(effort, "reasoning_effort", with);
    }

    /** How much the model thinks: not at all, or as its template makes of a variable. */
    static ChatOptions effort(String effort, String path, ChatOptions options) {
        return switch (effort) {
            case "none" -> options.withThinking(false);
            case "minimal", "low", "medium", "high", "xhigh" -> {
                Map<String, Object> variables = new LinkedHashMap<>(options.templateVariables());
                variables.putIfAbsent("reasoning_effort", effort);
                yield options.withTemplateVariables(variables);
            }
            default ->
                throw RequestException.invalid(
                        path, "'" + path + "' has to be none, minimal, low, medium or high, not '" + effort + "'");
        };
    }

    /**
     * A tool of which a request tells.
     *
     * @param schema the name of the member with the schema of the arguments
     */
    public static Tool tool(Fields function, String schema) {
        Object parameters = function.value(schema);
        try {
            return Tool.of(ToolSpec.of(
                    function.requireString("name"),
                    function.string("description", ""),
                    parameters == null ? "{\"type\":\"object\",\"properties\":{}}" : Json.write(parameters)));
        } catch (IllegalArgumentException e) {
            throw RequestException.invalid(function.path("name"), String.valueOf(e.getMessage()));
        }
    }

    /** Whether tools are called: a word, or an object that names one. */
    static ToolChoice choice(@Nullable Object value, List<Tool> tools) {
        if (value == null) {
            return ToolChoice.AUTO;
        }
        if (value instanceof String word) {
            return switch (word) {
                case "none" -> ToolChoice.NONE;
                case "auto" -> ToolChoice.AUTO;
                case "required", "any" -> ToolChoice.REQUIRED;
                default ->
                    throw RequestException.invalid(
                            "tool_choice", "'tool_choice' has to be none, auto or required, not '" + word + "'");
            };
        }
        Fields choice = Fields.of(value, "tool_choice");
        if (!"function".equals(choice.string("type"))) {
            throw RequestException.unsupported("tool_choice.type", "tools are functions");
        }
        Fields function = choice.object("function");
        String name = function == null ? choice.requireString("name") : function.requireString("name");
        if (tools.stream().noneMatch(tool -> tool.spec().name().equals(name))) {
            throw RequestException.invalid("tool_choice", "'tool_choice': there is no tool '" + name + "'");
        }
        return ToolChoice.named(name);
    }
}
