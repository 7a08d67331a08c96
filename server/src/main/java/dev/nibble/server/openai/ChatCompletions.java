package dev.nibble.server.openai;

import dev.nibble.GeneratedToken;
import dev.nibble.server.http.AnswerStreamWriter;
import dev.nibble.server.http.AnswerStreamWriter.Format;
import dev.nibble.server.http.Call;
import dev.nibble.server.http.Json;
import dev.nibble.server.work.AnswerSink;
import dev.nibble.server.work.Collected;
import dev.nibble.server.work.Lease;
import dev.nibble.server.work.Outcome;
import dev.nibble.server.work.Running;
import dev.nibble.server.work.Work;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** {@code POST /v1/chat/completions}. */
public final class ChatCompletions {
    private final Work work;

    /** Of these models. */
    public ChatCompletions(Work work) {
        this.work = work;
    }

    /** Answers a request. */
    public void handle(Call call, String rest) throws IOException {
        ChatRequest request = ChatRequest.read(call.fields());
        try (Lease lease = work.generating(work.models().requireOrOnly(request.model()))) {
            Head head = new Head(Running.newId("chatcmpl-"), lease.entry().name());
            work.answer(
                    call,
                    lease,
                    List.of(request.task()),
                    request.streams() ? new Streamed(call, request, head) : new Whole(call, request, head));
        }
    }

    private static Map<String, Object> verbose(Running running, Outcome outcome) {
        return Json.object("prompt", running.prompt(outcome));
    }

    /** What all pieces of an answer begin with. */
    private record Head(String id, String model, long created) {
        Head(String id, String model) {
            this(id, model, System.currentTimeMillis() / 1000);
        }

        Map<String, Object> object(String type) {
            return Json.object(
                    "id", id,
                    "object", type,
                    "created", created,
                    "model", model,
                    "system_fingerprint", Counts.FINGERPRINT);
        }
    }

    /** The answer in one piece. */
    private record Whole(
            Call call,
            ChatRequest request,
            Head head,
            List<Collected> answers,
            List<Object> choices,
            List<Outcome> outcomes)
            implements Work.Writer {
        Whole(Call call, ChatRequest request, Head head) {
            this(call, request, head, new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
        }

        @Override
        public void begin() {
            call.stream(Format.JSON);
        }

        @Override
        public AnswerSink sink(int index, Running running) {
            answers.add(new Collected());
            return answers.getLast();
        }

        @Override
        public void ended(int index, Running running, Outcome outcome) {
            Collected answer = answers.get(index);
            Map<String, Object> message = new LinkedHashMap<>();
            message.put("role", "assistant");
            message.put(
                    "content", answer.content().isEmpty() && !answer.calls().isEmpty() ? Json.NULL : answer.content());
            if (!answer.reasoning().isEmpty()) {
                message.put("reasoning_content", answer.reasoning());
            }
            if (!answer.calls().isEmpty()) {
                message.put(
                        "tool_calls",
                        answer.calls().stream()
                                .map(called -> Json.object(
                                        "id", called.id(),
                                        "type", "function",
                                        "function",
                                                Json.object("name", called.name(), "arguments", called.arguments())))
                                .toList());
            }
            outcomes.add(outcome);
            choices.add(Json.object(
                    "index",
                    index,
                    "message",
                    message,
                    "logprobs",
                    request.logprobs()
                            ? Json.object(
                                    "content", Counts.logprobs(answer.tokens(), running.tokenizer()), "refusal", null)
                            : null,
                    "finish_reason",
                    Counts.finishReason(outcome)));
            if (choices.size() == request.task().count()) {
                Map<String, Object> body = head.object("chat.completion");
                body.put("choices", choices);
                body.put("usage", Counts.usage(outcomes));
                body.put("timings", Counts.timings(outcome.stats()));
                if (request.verbose()) {
                    body.put("__verbose", verbose(running, outcome));
                }
                call.json(200, body);
            }
        }
    }

    /** The answer as it comes. */
    private static final class Streamed implements Work.Writer {
        private final ChatRequest request;
        private final Head head;
        private final List<Outcome> outcomes = new ArrayList<>();
        private final AnswerStreamWriter out;

        Streamed(Call call, ChatRequest request, Head head) {
            this.request = request;
            this.head = head;
            out = call.writer(Format.EVENTS);
        }

        @Override
        public void begin() {
            out.begin();
        }

        @Override
        public AnswerSink sink(int index, Running running) {
            return new Sink(index, running);
        }

        @Override
        public void ended(int index, Running running, Outcome outcome) {
            outcomes.add(outcome);
            Map<String, Object> last = chunk(index, Json.object(), Counts.finishReason(outcome));
            boolean over = outcomes.size() == request.task().count();
            if (request.verbose()) {
                last.put("__verbose", verbose(running, outcome));
            }
            if (!over || !request.includeUsage()) {
                last.put("timings", Counts.timings(outcome.stats()));
            }
            out.data(last);
            if (over) {
                if (request.includeUsage()) {
                    Map<String, Object> usage = head.object("chat.completion.chunk");
                    usage.put("choices", List.of());
                    usage.put("usage", Counts.usage(outcomes));
                    usage.put("timings", Counts.timings(outcome.stats()));
                    out.data(usage);
                }
                out.done();
            }
        }

        private Map<String, Object> chunk(int index, Map<String, Object> delta, Object finishReason) {
            return chunk(index, delta, Json.NULL, finishReason);
        }

        private Map<String, Object> chunk(int index, Map<String, Object> delta, Object logprobs, Object finishReason) {
            Map<String, Object> chunk = head.object("chat.completion.chunk");
            chunk.put(
                    "choices",
                    List.of(Json.object(
                            "index", index, "delta", delta, "logprobs", logprobs, "finish_reason", finishReason)));
            return chunk;
        }

        private final class Sink implements AnswerSink {
            private final int index;
            private final Running running;
            private boolean begun;

            Sink(int index, Running running) {
                this.index = index;
                this.running = running;
            }

            private void send(Map<String, Object> delta) {
                begin();
                out.data(chunk(index, delta, Json.NULL));
            }

            private void begin() {
                if (!begun) {
                    begun = true;
                    out.data(chunk(index, Json.object("role", "assistant", "content", null), Json.NULL));
                }
            }

            @Override
            public void token(GeneratedToken token) {
                begin();
            }

            @Override
            public void content(String text, List<GeneratedToken> tokens) {
                Object logprobs = request.logprobs()
                        ? Json.object("content", Counts.logprobs(tokens, running.tokenizer()), "refusal", null)
                        : Json.NULL;
                begin();
                out.data(chunk(index, Json.object("content", text), logprobs, Json.NULL));
            }

            @Override
            public void reasoning(String text) {
                send(Json.object("reasoning_content", text));
            }

            @Override
            public void call(int number, String id, String name) {
                send(calls(Json.object(
                        "index",
                        number,
                        "id",
                        id,
                        "type",
                        "function",
                        "function",
                        Json.object("name", name, "arguments", ""))));
            }

            @Override
            public void arguments(int number, String json) {
                send(calls(Json.object("index", number, "function", Json.object("arguments", json))));
            }

            private Map<String, Object> calls(Map<String, Object> one) {
                return Json.object("tool_calls", List.of(one));
            }

            @Override
            public void progress(Progress progress) {
                if (request.progress()) {
                    begin();
                    Map<String, Object> chunk = chunk(index, Json.object(), Json.NULL);
                    chunk.put("prompt_progress", Counts.progress(progress));
                    chunk.put("timings", Counts.timings(progress));
                    out.data(chunk);
                }
            }
        }
    }
}
