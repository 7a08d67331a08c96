package dev.nibble.server.ollama;

import dev.nibble.GeneratedToken;
import dev.nibble.GenerationStats;
import dev.nibble.json.JsonReader;
import dev.nibble.server.http.AnswerStreamWriter;
import dev.nibble.server.http.AnswerStreamWriter.Format;
import dev.nibble.server.http.Call;
import dev.nibble.server.http.Fields;
import dev.nibble.server.http.Json;
import dev.nibble.server.openai.Counts;
import dev.nibble.server.work.AnswerSink;
import dev.nibble.server.work.Collected;
import dev.nibble.server.work.Lease;
import dev.nibble.server.work.Outcome;
import dev.nibble.server.work.Running;
import dev.nibble.server.work.Work;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Writes an answer as Ollama does: a line a piece, or all in one. */
final class OllamaWriter implements Work.Writer {
    private final Call call;
    private final String model;
    private final long loadNanos;
    private final boolean chat;
    private final boolean streams;
    private final boolean logprobs;
    private final long start = System.nanoTime();
    private final Collected collected = new Collected();
    private final AnswerStreamWriter out;

    /**
     * @param chat whether the answer is a message, or a text
     */
    OllamaWriter(Call call, Fields fields, Lease lease, boolean chat) {
        this.call = call;
        this.chat = chat;
        model = fields.string("model", lease.entry().name());
        loadNanos = lease.loadTime().toNanos();
        streams = fields.bool("stream", true);
        logprobs = fields.bool("logprobs", false);
        out = call.writer(streams ? Format.LINES : Format.JSON);
    }

    @Override
    public void begin() {
        out.begin();
    }

    @Override
    public AnswerSink sink(int index, Running running) {
        return streams ? new Sink(running) : collected;
    }

    private Map<String, Object> line(boolean done, String content, String thinking, List<Object> calls) {
        Map<String, Object> line = Json.object("model", model, "created_at", OllamaModels.time(Instant.now()));
        Map<String, Object> holder = chat ? Json.object("role", "assistant") : line;
        holder.put(chat ? "content" : "response", content);
        if (!thinking.isEmpty()) {
            holder.put("thinking", thinking);
        }
        if (!calls.isEmpty()) {
            holder.put("tool_calls", calls);
        }
        if (chat) {
            line.put("message", holder);
        }
        line.put("done", done);
        return line;
    }

    private static Object called(int index, String name, String arguments) {
        return Json.object(
                "function",
                Json.object("index", index, "name", name, "arguments", JsonReader.read(arguments, "the arguments")));
    }

    @Override
    public void ended(int index, Running running, Outcome outcome) {
        List<Object> calls = new ArrayList<>();
        for (Collected.Called one : collected.calls()) {
            calls.add(called(calls.size(), one.name(), one.arguments()));
        }
        Map<String, Object> last = line(true, collected.content(), collected.reasoning(), calls);
        if (logprobs && !streams) {
            last.put("logprobs", Counts.logprobs(collected.tokens(), running.tokenizer()));
        }
        GenerationStats stats = outcome.stats();
        last.put("done_reason", outcome.isCut() ? "length" : "stop");
        if (!chat) {
            List<Object> tokens = new ArrayList<>();
            for (int token : running.tokens()) {
                tokens.add(token);
            }
            last.put("context", tokens);
        }
        // Clients divide by these.
        last.put("total_duration", System.nanoTime() - start);
        last.put("load_duration", loadNanos);
        last.put("prompt_eval_count", stats.promptTokens());
        last.put("prompt_eval_duration", Math.max(1, stats.promptTime().toNanos()));
        last.put("eval_count", stats.generatedTokens());
        last.put("eval_duration", Math.max(1, stats.generationTime().toNanos()));
        if (streams) {
            out.last(last);
        } else {
            call.json(200, last);
        }
    }

    private final class Sink implements AnswerSink {
        private final Running running;
        private final StringBuilder arguments = new StringBuilder();
        private String name = "";

        Sink(Running running) {
            this.running = running;
        }

        @Override
        public void content(String text, List<GeneratedToken> tokens) {
            Map<String, Object> line = line(false, text, "", List.of());
            if (logprobs) {
                line.put("logprobs", Counts.logprobs(tokens, running.tokenizer()));
            }
            out.data(line);
        }

        @Override
        public void reasoning(String text) {
            out.data(line(false, "", text, List.of()));
        }

        @Override
        public void call(int index, String id, String tool) {
            name = tool;
            arguments.setLength(0);
        }

        @Override
        public void arguments(int index, String json) {
            arguments.append(json);
        }

        @Override
        public void callEnd(int index) {
            String whole = arguments.isEmpty() ? "{}" : arguments.toString();
            out.data(line(false, "", "", List.of(called(index, name, whole))));
        }
    }
}
