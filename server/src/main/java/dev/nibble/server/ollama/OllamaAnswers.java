package dev.nibble.server.ollama;

import dev.nibble.ChatOptions;
import dev.nibble.GenerationOptions;
import dev.nibble.chat.ChatMessage;
import dev.nibble.chat.Tool;
import dev.nibble.json.JsonReader;
import dev.nibble.server.ModelEntry;
import dev.nibble.server.http.AnswerStreamWriter.Format;
import dev.nibble.server.http.Call;
import dev.nibble.server.http.Fields;
import dev.nibble.server.http.Json;
import dev.nibble.server.http.RequestException;
import dev.nibble.server.openai.ChatRequest;
import dev.nibble.server.work.Lease;
import dev.nibble.server.work.Prompt;
import dev.nibble.server.work.Task;
import dev.nibble.server.work.Work;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** {@code POST /api/chat} and {@code POST /api/generate}. */
final class OllamaAnswers {
    private final Work work;
    private final OllamaModels models;

    OllamaAnswers(Work work, OllamaModels models) {
        this.work = work;
        this.models = models;
    }

    void chat(Call call, String rest) throws IOException {
        Fields fields = call.fields();
        ModelEntry entry = models.require(fields);
        Duration keep = OllamaOptions.keepAlive(fields);
        List<Fields> messages = fields.objects("messages");
        if (messages.isEmpty()) {
            loadOnly(call, fields, entry, keep, Json.object("role", "assistant", "content", ""), "message");
            return;
        }
        List<ChatMessage> conversation = new ArrayList<>();
        for (Fields message : messages) {
            conversation.add(message(message));
        }
        ChatOptions options = thinking(fields, entry, ChatOptions.DEFAULT);
        List<Tool> tools = new ArrayList<>();
        for (Fields tool : fields.objects("tools")) {
            Fields function = tool.object("function");
            if (function == null) {
                throw RequestException.invalid(tool.path("function"), "'" + tool.path("function") + "' is missing");
            }
            tools.add(ChatRequest.tool(function, "parameters"));
        }
        if (!tools.isEmpty()) {
            if (!models.capabilities(entry).contains("tools")) {
                throw RequestException.invalid("tools", "\"" + entry.name() + "\" does not support tools");
            }
            options = options.withTools(tools);
        }
        Task task = Task.of(new Prompt.Chat(conversation, options), OllamaOptions.generation(fields))
                .withContext(OllamaOptions.context(fields));
        answer(call, fields, entry, task, keep, true);
    }

    void generate(Call call, String rest) throws IOException {
        Fields fields = call.fields();
        ModelEntry entry = models.require(fields);
        Duration keep = OllamaOptions.keepAlive(fields);
        fields.refuse("templates are those of the model's file", "template");
        fields.refuse("image input is not supported", "images");
        String prompt = fields.string("prompt", "");
        if (prompt.isEmpty() && !fields.has("suffix")) {
            loadOnly(call, fields, entry, keep, "", "response");
            return;
        }
        GenerationOptions generation = OllamaOptions.generation(fields);
        try (Lease lease = work.generating(entry).keeping(keep)) {
            Task task = Task.of(prompt(fields, lease, prompt), generation).withContext(OllamaOptions.context(fields));
            work.answer(call, lease, List.of(task), new OllamaWriter(call, fields, lease, false));
        }
    }

    private Prompt prompt(Fields fields, Lease lease, String prompt) throws IOException {
        String suffix = fields.string("suffix");
        if (suffix != null) {
            if (!lease.model().canInfill()) {
                throw RequestException.invalid("suffix", "\"" + lease.entry().name() + "\" does not support insert");
            }
            return new Prompt.Infill(prompt, suffix, List.of());
        }
        boolean raw = fields.bool("raw", false);
        boolean templated = lease.entry().template().isPresent()
                || !lease.model().chatTemplates().names().isEmpty();
        if (raw || !templated) {
            return new Prompt.Text(prompt);
        }
        List<ChatMessage> messages = new ArrayList<>();
        String system = fields.string("system");
        if (system != null) {
            messages.add(ChatMessage.system(system));
        }
        messages.add(ChatMessage.user(prompt));
        ChatOptions options = thinking(fields, lease.entry(), ChatOptions.DEFAULT);
        List<Integer> context =
                new ArrayList<>(dev.nibble.server.openai.Prompts.ids(fields.array("context"), "context"));
        if (context.isEmpty()) {
            return new Prompt.Chat(messages, options);
        }
        Optional<ChatOptions> own = lease.entry().template().map(options::withTemplate);
        for (int token : lease.model().chatTokens(messages, own.orElse(options))) {
            context.add(token);
        }
        return new Prompt.Tokens(context);
    }

    private void answer(Call call, Fields fields, ModelEntry entry, Task task, @Nullable Duration keep, boolean chat)
            throws IOException {
        try (Lease lease = work.generating(entry).keeping(keep)) {
            work.answer(call, lease, List.of(task), new OllamaWriter(call, fields, lease, chat));
        }
    }

    /** A request without a prompt loads the model, or unloads it where it is not to be kept. */
    private void loadOnly(
            Call call, Fields fields, ModelEntry entry, @Nullable Duration keep, Object empty, String name)
            throws IOException {
        boolean unload = keep != null && keep.isZero();
        if (unload) {
            work.models().unload(entry);
        } else {
            work.generating(entry).keeping(keep).close();
        }
        Map<String, Object> body = Json.object(
                "model",
                fields.string("model", entry.name()),
                "created_at",
                OllamaModels.time(Instant.now()),
                name,
                empty,
                "done",
                true,
                "done_reason",
                unload ? "unload" : "load");
        if (fields.bool("stream", true)) {
            call.stream(Format.LINES).last(body);
        } else {
            call.json(200, body);
        }
    }

    private ChatOptions thinking(Fields fields, ModelEntry entry, ChatOptions options) throws IOException {
        Object think = fields.value("think");
        if (think == null) {
            return options;
        }
        if (Boolean.FALSE.equals(think)) {
            return options.withThinking(false);
        }
        if (!models.thinks(entry)) {
            throw RequestException.invalid("think", "\"" + entry.name() + "\" does not support thinking");
        }
        if (think instanceof String level) {
            if (!List.of("low", "medium", "high", "max").contains(level)) {
                throw Fields.expected("think", "true, false, low, medium, high or max", level);
            }
            return options.withThinking(true).withTemplateVariables(Map.of("reasoning_effort", level));
        }
        if (!Boolean.TRUE.equals(think)) {
            throw Fields.expected("think", "true, false, low, medium, high or max", think);
        }
        return options.withThinking(true);
    }

    private static ChatMessage message(Fields message) {
        message.refuse("image input is not supported", "images");
        String role = message.requireString("role");
        Map<String, @Nullable Object> more = new LinkedHashMap<>();
        List<Object> calls = new ArrayList<>();
        for (Fields call : message.objects("tool_calls")) {
            Fields function = call.object("function");
            if (function != null) {
                Object arguments = function.value("arguments");
                Object read = arguments instanceof String text
                        ? JsonReader.read(text, function.path("arguments"))
                        : arguments == null ? Map.of() : arguments;
                Map<String, @Nullable Object> made = new LinkedHashMap<>();
                made.put("name", function.requireString("name"));
                made.put("arguments", Json.plain(read));
                calls.add(Map.of("type", "function", "function", made));
            }
        }
        if (!calls.isEmpty()) {
            more.put("tool_calls", calls);
        }
        for (String[] name : new String[][] {
            {"thinking", "reasoning_content"}, {"tool_name", "name"}, {"tool_call_id", "tool_call_id"}
        }) {
            String value = message.string(name[0]);
            if (value != null && !value.isEmpty()) {
                more.put(name[1], value);
            }
        }
        return new ChatMessage(role, message.string("content", ""), more);
    }
}
