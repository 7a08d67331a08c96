package dev.nibble.server.openai;

import dev.nibble.GeneratedToken;
import dev.nibble.server.http.AnswerStreamWriter;
import dev.nibble.server.http.AnswerStreamWriter.Format;
import dev.nibble.server.http.Call;
import dev.nibble.server.http.Json;
import dev.nibble.server.work.AnswerSink;
import dev.nibble.server.work.Lease;
import dev.nibble.server.work.Outcome;
import dev.nibble.server.work.Running;
import dev.nibble.server.work.Work;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** {@code POST /v1/responses}. */
public final class Responses {
    private final Work work;

    /** Of these models. */
    public Responses(Work work) {
        this.work = work;
    }

    /** Answers a request. */
    public void handle(Call call, String rest) throws IOException {
        ResponsesRequest request = ResponsesRequest.read(call.fields());
        try (Lease lease = work.generating(work.models().requireOrOnly(request.model()))) {
            work.answer(
                    call,
                    lease,
                    List.of(request.task()),
                    new Writer(call, request, lease.entry().name()));
        }
    }

    /** Makes the items of an answer, and tells of each step where the answer is streamed. */
    private static final class Writer implements Work.Writer, AnswerSink {
        private final Call call;
        private final ResponsesRequest request;
        private final Map<String, Object> response = new LinkedHashMap<>();
        private final List<Object> output = new ArrayList<>();
        private final AnswerStreamWriter out;
        private final StringBuilder text = new StringBuilder();
        private @Nullable Map<String, Object> item; // that is being made
        private int sequence;
        private boolean begun;

        Writer(Call call, ResponsesRequest request, String model) {
            this.call = call;
            this.request = request;
            out = call.writer(request.streams() ? Format.EVENTS : Format.JSON);
            response.put("id", Running.newId("resp_"));
            response.put("object", "response");
            response.put("created_at", System.currentTimeMillis() / 1000);
            response.put("status", "in_progress");
            response.put("background", false);
            response.put("error", Json.NULL);
            response.put("incomplete_details", Json.NULL);
            response.put("model", model);
            response.put("output", output);
            response.putAll(request.echoed());
            response.put("usage", Json.NULL);
        }

        @Override
        public void begin() {
            out.begin();
        }

        @Override
        public AnswerSink sink(int index, Running running) {
            return this;
        }

        private void event(String type, @Nullable Object... pairs) {
            if (request.streams()) {
                Map<String, Object> data = Json.object("type", type, "sequence_number", sequence++);
                data.putAll(Json.object(pairs));
                out.event(type, data);
            }
        }

        private void start() {
            if (!begun) {
                begun = true;
                event("response.created", "response", response);
                event("response.in_progress", "response", response);
            }
        }

        private Map<String, Object> open(String type, Map<String, Object> made) {
            start();
            close();
            item = made;
            text.setLength(0);
            event("response.output_item.added", "output_index", output.size(), "item", made);
            if (type.equals("message")) {
                event(
                        "response.content_part.added",
                        "item_id",
                        made.get("id"),
                        "output_index",
                        output.size(),
                        "content_index",
                        0,
                        "part",
                        part(""));
            }
            return made;
        }

        private boolean isOpen(String type) {
            return item != null && type.equals(item.get("type"));
        }

        private static Map<String, Object> part(String content) {
            return Json.object("type", "output_text", "text", content, "annotations", List.of(), "logprobs", List.of());
        }

        private void delta(String type, String added, Object... pairs) {
            text.append(added);
            if (item != null && request.streams()) {
                Map<String, Object> data = Json.object(
                        "type",
                        type,
                        "sequence_number",
                        sequence++,
                        "item_id",
                        item.get("id"),
                        "output_index",
                        output.size(),
                        "delta",
                        added);
                data.putAll(Json.object(pairs));
                out.event(type, data);
            }
        }

        private void close() {
            if (item == null) {
                return;
            }
            Map<String, Object> made = item;
            item = null;
            int index = output.size();
            String id = String.valueOf(made.get("id"));
            switch (String.valueOf(made.get("type"))) {
                case "message" -> {
                    event(
                            "response.output_text.done",
                            "item_id",
                            id,
                            "output_index",
                            index,
                            "content_index",
                            0,
                            "text",
                            text.toString(),
                            "logprobs",
                            List.of());
                    made.put("content", List.of(part(text.toString())));
                    event(
                            "response.content_part.done",
                            "item_id",
                            id,
                            "output_index",
                            index,
                            "content_index",
                            0,
                            "part",
                            part(text.toString()));
                }
                case "reasoning" -> {
                    made.put("content", List.of(Json.object("type", "reasoning_text", "text", text.toString())));
                    event(
                            "response.reasoning_text.done",
                            "item_id",
                            id,
                            "output_index",
                            index,
                            "content_index",
                            0,
                            "text",
                            text.toString());
                }
                default -> {
                    String arguments = text.isEmpty() ? "{}" : text.toString();
                    made.put("arguments", arguments);
                    event(
                            "response.function_call_arguments.done",
                            "item_id",
                            id,
                            "output_index",
                            index,
                            "name",
                            made.get("name"),
                            "arguments",
                            arguments);
                }
            }
            made.put("status", "completed");
            event("response.output_item.done", "output_index", index, "item", made);
            output.add(made);
        }

        @Override
        public void token(GeneratedToken token) {
            start();
        }

        @Override
        public void content(String added, List<GeneratedToken> tokens) {
            if (!isOpen("message")) {
                open(
                        "message",
                        Json.object(
                                "id", Running.newId("msg_"),
                                "type", "message",
                                "status", "in_progress",
                                "role", "assistant",
                                "content", List.of()));
            }
            delta("response.output_text.delta", added, "content_index", 0, "logprobs", List.of());
        }

        @Override
        public void reasoning(String added) {
            if (!isOpen("reasoning")) {
                open(
                        "reasoning",
                        Json.object(
                                "id", Running.newId("rs_"),
                                "type", "reasoning",
                                "status", "in_progress",
                                "summary", List.of(),
                                "content", List.of()));
            }
            delta("response.reasoning_text.delta", added, "content_index", 0);
        }

        @Override
        public void call(int index, String id, String name) {
            open(
                    "function_call",
                    Json.object(
                            "id",
                            Running.newId("fc_"),
                            "type",
                            "function_call",
                            "status",
                            "in_progress",
                            "call_id",
                            id,
                            "name",
                            name,
                            "arguments",
                            ""));
        }

        @Override
        public void arguments(int index, String json) {
            delta("response.function_call_arguments.delta", json);
        }

        @Override
        public void callEnd(int index) {
            close();
        }

        @Override
        public void ended(int index, Running running, Outcome outcome) {
            start();
            close();
            response.put("status", outcome.isCut() ? "incomplete" : "completed");
            if (outcome.isCut()) {
                response.put("incomplete_details", Json.object("reason", "max_output_tokens"));
            }
            response.put(
                    "usage",
                    Json.object(
                            "input_tokens", outcome.stats().promptTokens(),
                            "input_tokens_details",
                                    Json.object("cached_tokens", outcome.stats().cachedTokens()),
                            "output_tokens", outcome.stats().generatedTokens(),
                            "output_tokens_details", Json.object("reasoning_tokens", outcome.reasoningTokens()),
                            "total_tokens",
                                    outcome.stats().promptTokens()
                                            + outcome.stats().generatedTokens()));
            if (request.streams()) {
                event(outcome.isCut() ? "response.incomplete" : "response.completed", "response", response);
            } else {
                call.json(200, response);
            }
        }
    }
}
