package dev.nibble.server.openai;

import dev.nibble.FinishReason;
import dev.nibble.GeneratedToken;
import dev.nibble.GenerationOptions;
import dev.nibble.TokenProbability;
import dev.nibble.server.http.AnswerStreamWriter;
import dev.nibble.server.http.AnswerStreamWriter.Format;
import dev.nibble.server.http.Call;
import dev.nibble.server.http.Fields;
import dev.nibble.server.http.Json;
import dev.nibble.server.http.RequestException;
import dev.nibble.server.work.AnswerSink;
import dev.nibble.server.work.Collected;
import dev.nibble.server.work.Lease;
import dev.nibble.server.work.Outcome;
import dev.nibble.server.work.Prompt;
import dev.nibble.server.work.Running;
import dev.nibble.server.work.Sampling;
import dev.nibble.server.work.Task;
import dev.nibble.server.work.Work;
import dev.nibble.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/** {@code POST /v1/completions}: what follows a text. */
public final class Completions {
    private static final int MOST_TOP = 20;

    private final Work work;

    /** Of these models. */
    public Completions(Work work) {
        this.work = work;
    }

    /**
     * A request.
     *
     * @param logprobs whether the probabilities of tokens are wanted
     * @param echo whether the prompt is wanted before the text
     */
    private record Request(
            List<Task> tasks, int answers, boolean streams, boolean includeUsage, boolean logprobs, boolean echo) {
        static Request read(Fields fields) {
            OptionalInt best = fields.integer("best_of");
            if (best.isPresent() && best.getAsInt() > ChatRequest.count(fields)) {
                throw RequestException.unsupported("best_of", "answers are not compared");
            }
            GenerationOptions generation = Sampling.read(fields);
            generation = Sampling.limit(generation, fields, "max_tokens", "n_predict", "max_completion_tokens");
            generation = Sampling.bias(generation, fields);
            Object asked = fields.value("logprobs");
            boolean logprobs = asked != null && !Boolean.FALSE.equals(asked);
            if (logprobs && !Boolean.TRUE.equals(asked)) {
                int top = fields.integer("logprobs").orElse(0);
                if (top < 0 || top > MOST_TOP) {
                    throw RequestException.invalid(
                            "logprobs", "'logprobs' has to be from 0 to " + MOST_TOP + ", not " + top);
                }
                generation = generation.withTopLogProbabilities(top);
            }
            String suffix = fields.string("suffix");
            int count = ChatRequest.count(fields);
            GenerationOptions options = generation;
            List<Task> tasks = Prompts.read(fields, "prompt").stream()
                    .map(prompt -> Task.of(suffix == null ? prompt : between(prompt, suffix), options)
                            .withCount(count)
                            .withPriority(Sampling.priority(fields)))
                    .toList();
            Fields streamOptions = fields.object("stream_options");
            return new Request(
                    tasks,
                    tasks.size() * count,
                    fields.bool("stream", false),
                    streamOptions != null && streamOptions.bool("include_usage", false),
                    logprobs,
                    fields.bool("echo", false));
        }

        private static Prompt between(Prompt prompt, String suffix) {
            if (prompt instanceof Prompt.Text text) {
                return new Prompt.Infill(text.text(), suffix, List.of());
            }
            throw RequestException.invalid("suffix", "'suffix' needs 'prompt' to be a text");
        }

        String echoed(int index, Tokenizer tokenizer) {
            if (!echo) {
                return "";
            }
            return switch (tasks.get(index / tasks.getFirst().count()).prompt()) {
                case Prompt.Text text -> text.text();
                case Prompt.Tokens tokens ->
                    tokenizer.decode(
                            tokens.ids().stream().mapToInt(Integer::intValue).toArray());
                case Prompt.Mixed mixed -> tokenizer.decode(Prompt.encode(mixed, tokenizer));
                case Prompt.Infill infill -> infill.prefix();
                case Prompt.Chat chat -> "";
            };
        }
    }

    /** Answers a request. */
    public void handle(Call call, String rest) throws IOException {
        Fields fields = call.fields();
        Request request = Request.read(fields);
        try (Lease lease = work.generating(work.models().requireOrOnly(fields.string("model")))) {
            work.answer(
                    call,
                    lease,
                    request.tasks(),
                    new Writer(call, request, lease.entry().name()));
        }
    }

    private static final class Writer implements Work.Writer {
        private final Call call;
        private final Request request;
        private final String model;
        private final String id = Running.newId("cmpl-");
        private final long created = System.currentTimeMillis() / 1000;
        private final List<Object> choices = new ArrayList<>();
        private final List<Outcome> outcomes = new ArrayList<>();
        private final AnswerStreamWriter out;
        private final List<Collected> texts = new ArrayList<>();

        Writer(Call call, Request request, String model) {
            this.call = call;
            this.request = request;
            this.model = model;
            out = call.writer(request.streams() ? Format.EVENTS : Format.JSON);
        }

        @Override
        public void begin() {
            out.begin();
        }

        private Map<String, Object> object() {
            return Json.object(
                    "id", id,
                    "object", "text_completion",
                    "created", created,
                    "model", model,
                    "system_fingerprint", Counts.FINGERPRINT);
        }

        private static Map<String, Object> choice(int index, String text, Object logprobs, Object reason) {
            return Json.object("index", index, "text", text, "logprobs", logprobs, "finish_reason", reason);
        }

        @Override
        public AnswerSink sink(int index, Running running) {
            Collected collected = new Collected();
            texts.add(collected);
            return request.streams() ? new Sink(index, running) : collected;
        }

        @Override
        public void ended(int index, Running running, Outcome outcome) {
            outcomes.add(outcome);
            String reason = outcome.generation().finishReason() == FinishReason.CANCELLED || outcome.isCut()
                    ? "length"
                    : "stop";
            boolean over = outcomes.size() == request.answers();
            if (request.streams()) {
                Map<String, Object> last = object();
                last.put("choices", List.of(choice(index, "", Json.NULL, reason)));
                last.put("timings", Counts.timings(outcome.stats()));
                out.data(last);
            } else {
                Object logprobs =
                        request.logprobs() ? logprobs(texts.get(index).tokens(), running.tokenizer(), 0) : Json.NULL;
                String text = request.echoed(index, running.tokenizer())
                        + texts.get(index).content();
                choices.add(choice(index, text, logprobs, reason));
            }
            if (over) {
                end(outcome);
            }
        }

        private void end(Outcome last) {
            Map<String, Object> body = object();
            body.put("choices", request.streams() ? List.of() : choices);
            body.put("usage", usage());
            body.put("timings", Counts.timings(last.stats()));
            if (!request.streams()) {
                call.json(200, body);
                return;
            }
            if (request.includeUsage()) {
                out.data(body);
            }
            out.done();
        }

        /** Each prompt counts once, however many answers it has. */
        private Map<String, Object> usage() {
            int count = request.tasks().getFirst().count();
            long prompt = 0;
            long cached = 0;
            long completion = 0;
            for (int i = 0; i < outcomes.size(); i++) {
                prompt += i % count == 0 ? outcomes.get(i).stats().promptTokens() : 0;
                cached += i % count == 0 ? outcomes.get(i).stats().cachedTokens() : 0;
                completion += outcomes.get(i).stats().generatedTokens();
            }
            return Counts.usage(prompt, cached, completion, 0);
        }

        private final class Sink implements AnswerSink {
            private final int index;
            private final Running running;
            private int offset;

            Sink(int index, Running running) {
                this.index = index;
                this.running = running;
                String echoed = request.echoed(index, running.tokenizer());
                if (!echoed.isEmpty()) {
                    send(echoed, List.of());
                }
            }

            @Override
            public void content(String text, List<GeneratedToken> tokens) {
                send(text, tokens);
            }

            private void send(String text, List<GeneratedToken> tokens) {
                Map<String, Object> chunk = object();
                Object logprobs = request.logprobs() ? logprobs(tokens, running.tokenizer(), offset) : Json.NULL;
                chunk.put("choices", List.of(choice(index, text, logprobs, Json.NULL)));
                offset += text.length();
                out.data(chunk);
            }

            @Override
            public void reasoning(String text) {}

            @Override
            public void call(int number, String callId, String name) {}

            @Override
            public void arguments(int number, String json) {}
        }
    }

    /** The form of completions, with that of chats beside it, which llama.cpp gives. */
    private static Map<String, Object> logprobs(List<GeneratedToken> tokens, Tokenizer tokenizer, int from) {
        List<Object> texts = new ArrayList<>();
        List<Object> values = new ArrayList<>();
        List<Object> tops = new ArrayList<>();
        List<Object> offsets = new ArrayList<>();
        int offset = from;
        for (GeneratedToken token : tokens) {
            String text = text(token.id(), tokenizer);
            texts.add(text);
            values.add(Counts.finite(token.logProbability()));
            offsets.add(offset);
            offset += text.length();
            Map<String, Object> top = new LinkedHashMap<>();
            for (TokenProbability other : token.alternatives()) {
                top.putIfAbsent(text(other.id(), tokenizer), Counts.finite(other.logProbability()));
            }
            tops.add(top);
        }
        return Json.object(
                "tokens", texts,
                "token_logprobs", values,
                "top_logprobs", tops,
                "text_offset", offsets,
                "content", Counts.logprobs(tokens, tokenizer));
    }

    private static String text(int id, Tokenizer tokenizer) {
        byte[] bytes = tokenizer.bytes(id);
        return bytes.length == 0 ? tokenizer.vocabulary().text(id) : new String(bytes, StandardCharsets.UTF_8);
    }
}
