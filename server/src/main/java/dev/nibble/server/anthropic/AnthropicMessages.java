package dev.nibble.server.anthropic;

import dev.nibble.ChatOptions;
import dev.nibble.FinishReason;
import dev.nibble.GeneratedToken;
import dev.nibble.GenerationStats;
import dev.nibble.json.JsonReader;
import dev.nibble.server.http.AnswerStreamWriter;
import dev.nibble.server.http.AnswerStreamWriter.Format;
import dev.nibble.server.http.Call;
import dev.nibble.server.http.Json;
import dev.nibble.server.http.Router;
import dev.nibble.server.http.Router.Needs;
import dev.nibble.server.work.AnswerSink;
import dev.nibble.server.work.Collected;
import dev.nibble.server.work.Lease;
import dev.nibble.server.work.Outcome;
import dev.nibble.server.work.Running;
import dev.nibble.server.work.Work;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** {@code POST /v1/messages} and {@code POST /v1/messages/count_tokens}. */
public final class AnthropicMessages {
    private final Work work;

    private AnthropicMessages(Work work) {
        this.work = work;
    }

    /** Adds the routes. */
    public static void addTo(Router router, Work work) {
        AnthropicMessages messages = new AnthropicMessages(work);
        AnthropicErrors errors = AnthropicErrors.FORM;
        router.errors("/v1/messages", errors)
                .add("POST", "/v1/messages", Needs.WORK, errors, messages::answer)
                .add("POST", "/v1/messages/count_tokens", Needs.WORK, errors, messages::count);
    }

    private void answer(Call call, String rest) throws IOException {
        MessagesRequest request = MessagesRequest.read(call.fields());
        try (Lease lease = work.generating(work.models().requireOrOnly(request.model()))) {
            Head head = new Head(Running.newId("msg_"), lease.entry().name());
            work.answer(
                    call,
                    lease,
                    List.of(request.task()),
                    request.streams() ? new Streamed(call, head) : new Whole(call, head, new Collected()));
        }
    }

    private void count(Call call, String rest) throws IOException {
        MessagesRequest request = MessagesRequest.read(call.fields());
        try (Lease lease = work.generating(work.models().requireOrOnly(request.model()))) {
            ChatOptions options = request.prompt().options();
            ChatOptions own =
                    lease.entry().template().map(options::withTemplate).orElse(options);
            int[] tokens =
                    lease.model().chatTokens(lease.withSystem(request.prompt().messages()), own);
            call.json(200, Json.object("input_tokens", tokens.length));
        }
    }

    /** What an answer begins with. */
    private record Head(String id, String model) {
        Map<String, Object> message(
                List<Object> content, @Nullable String reason, @Nullable String stop, Map<String, Object> usage) {
            return Json.object(
                    "id", id,
                    "type", "message",
                    "role", "assistant",
                    "model", model,
                    "content", content,
                    "stop_reason", reason,
                    "stop_sequence", stop,
                    "usage", usage);
        }
    }

    private static String reason(Outcome outcome) {
        FinishReason reason = outcome.generation().finishReason();
        return switch (reason) {
            case MAX_TOKENS, CANCELLED -> "max_tokens";
            case CONTEXT_FULL -> "model_context_window_exceeded";
            case STOP_STRING -> "stop_sequence";
            case STOP_TOKEN -> outcome.calls() > 0 ? "tool_use" : "end_turn";
        };
    }

    private static Map<String, Object> usage(GenerationStats stats) {
        return usage(stats.promptTokens() - stats.cachedTokens(), stats.cachedTokens(), stats.generatedTokens());
    }

    private static Map<String, Object> usage(int input, int cached, int output) {
        return Json.object(
                "input_tokens", input,
                "cache_creation_input_tokens", 0,
                "cache_read_input_tokens", cached,
                "output_tokens", output);
    }

    private record Whole(Call call, Head head, Collected answer) implements Work.Writer {
        @Override
        public void begin() {
            call.stream(Format.JSON);
        }

        @Override
        public AnswerSink sink(int index, Running running) {
            return answer;
        }

        @Override
        public void ended(int index, Running running, Outcome outcome) {
            List<Object> content = new ArrayList<>();
            if (!answer.reasoning().isEmpty()) {
                content.add(Json.object("type", "thinking", "thinking", answer.reasoning(), "signature", ""));
            }
            if (!answer.content().isEmpty()) {
                content.add(Json.object("type", "text", "text", answer.content()));
            }
            for (Collected.Called one : answer.calls()) {
                content.add(Json.object(
                        "type", "tool_use",
                        "id", one.id().replace("call_", "toolu_"),
                        "name", one.name(),
                        "input", JsonReader.read(one.arguments(), "the arguments")));
            }
            call.json(200, head.message(content, reason(outcome), outcome.stop(), usage(outcome.stats())));
        }
    }

    /** Blocks are numbered from 0; each begins, grows and ends before the next begins. */
    private static final class Streamed implements Work.Writer, AnswerSink {
        private final Head head;
        private final AnswerStreamWriter out;
        private int block = -1;
        private String open = "";
        private boolean begun;
        private int prompt;

        Streamed(Call call, Head head) {
            this.head = head;
            out = call.writer(Format.EVENTS);
        }

        @Override
        public void begin() {
            out.begin();
        }

        @Override
        public AnswerSink sink(int index, Running running) {
            prompt = running.tokens().length;
            return this;
        }

        private void event(String type, Object... pairs) {
            Map<String, Object> data = Json.object("type", type);
            data.putAll(Json.object(pairs));
            out.event(type, data);
        }

        private void start() {
            if (!begun) {
                begun = true;
                event("message_start", "message", head.message(List.of(), null, null, usage(prompt, 0, 0)));
            }
        }

        private void open(String type, Map<String, Object> first) {
            start();
            close();
            block++;
            open = type;
            event("content_block_start", "index", block, "content_block", first);
        }

        private void delta(Map<String, Object> delta) {
            event("content_block_delta", "index", block, "delta", delta);
        }

        private void close() {
            if (open.isEmpty()) {
                return;
            }
            if (open.equals("thinking")) {
                delta(Json.object("type", "signature_delta", "signature", ""));
            }
            open = "";
            event("content_block_stop", "index", block);
        }

        @Override
        public void token(GeneratedToken token) {
            start();
        }

        @Override
        public void content(String text, List<GeneratedToken> tokens) {
            if (!open.equals("text")) {
                open("text", Json.object("type", "text", "text", ""));
            }
            delta(Json.object("type", "text_delta", "text", text));
        }

        @Override
        public void reasoning(String text) {
            if (!open.equals("thinking")) {
                open("thinking", Json.object("type", "thinking", "thinking", "", "signature", ""));
            }
            delta(Json.object("type", "thinking_delta", "thinking", text));
        }

        @Override
        public void call(int index, String id, String name) {
            open(
                    "tool_use",
                    Json.object(
                            "type",
                            "tool_use",
                            "id",
                            id.replace("call_", "toolu_"),
                            "name",
                            name,
                            "input",
                            Json.object()));
        }

        @Override
        public void arguments(int index, String json) {
            delta(Json.object("type", "input_json_delta", "partial_json", json));
        }

        @Override
        public void callEnd(int index) {
            close();
        }

        @Override
        public void ended(int index, Running running, Outcome outcome) {
            start();
            close();
            event(
                    "message_delta",
                    "delta",
                    Json.object("stop_reason", reason(outcome), "stop_sequence", outcome.stop()),
                    "usage",
                    usage(outcome.stats()));
            event("message_stop");
        }
    }
}
