package dev.nibble.server.llamacpp;

import dev.nibble.GeneratedToken;
import dev.nibble.GenerationOptions;
import dev.nibble.SourceFile;
import dev.nibble.server.http.AnswerStreamWriter;
import dev.nibble.server.http.AnswerStreamWriter.Format;
import dev.nibble.server.http.Call;
import dev.nibble.server.http.Fields;
import dev.nibble.server.http.Json;
import dev.nibble.server.http.RequestException;
import dev.nibble.server.http.RequestException.Kind;
import dev.nibble.server.openai.Counts;
import dev.nibble.server.openai.Prompts;
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
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/** {@code POST /completion} and {@code POST /infill}, in llama.cpp's own form. */
final class OwnCompletion {
    private final Work work;

    OwnCompletion(Work work) {
        this.work = work;
    }

    void complete(Call call, String rest) throws IOException {
        Fields fields = call.fields();
        List<Prompt> prompts = Prompts.read(fields, "prompt");
        boolean many = Prompts.isSeveral(fields.value("prompt"));
        answer(call, fields, prompts, many);
    }

    void infill(Call call, String rest) throws IOException {
        Fields fields = call.fields();
        if (!fields.has("input_prefix") && !fields.has("input_suffix")) {
            throw RequestException.invalid("input_prefix", "'input_prefix' or 'input_suffix' is missing");
        }
        List<SourceFile> files = new ArrayList<>();
        for (Fields extra : fields.objects("input_extra")) {
            files.add(SourceFile.of(extra.string("filename", "tmp"), extra.requireString("text")));
        }
        Prompt prompt = new Prompt.Infill(
                fields.string("input_prefix", "") + fields.string("prompt", ""),
                fields.string("input_suffix", ""),
                files);
        answer(call, fields, List.of(prompt), fields.integer("n_cmpl").orElse(1) > 1);
    }

    private void answer(Call call, Fields fields, List<Prompt> prompts, boolean many) throws IOException {
        fields.refuse("image input is not supported", "image_data");
        fields.refuse("probabilities are those of the model itself", "post_sampling_probs");
        GenerationOptions read = Sampling.limit(Sampling.read(fields), fields, "n_predict", "max_tokens");
        int top = fields.integer("n_probs").orElse(fields.integer("logprobs").orElse(0));
        if (top < 0 || top > 1000) {
            throw RequestException.invalid("n_probs", "'n_probs' has to be from 0 to 1000, not " + top);
        }
        int count = fields.integer("n_cmpl").orElse(fields.integer("n").orElse(1));
        if (count < 1 || count > 16) {
            throw RequestException.invalid("n_cmpl", "'n_cmpl' has to be from 1 to 16, not " + count);
        }
        OptionalLong millis = fields.longInteger("t_max_predict_ms");
        try (Lease lease = work.generating(work.models().requireOrOnly(fields.string("model")))) {
            Tokenizer tokenizer = lease.model().tokenizer();
            GenerationOptions options = Sampling.bias(
                            read.withTopLogProbabilities(top),
                            fields,
                            text -> tokenizer.encode(text, Tokenizer.Options.TEMPLATE))
                    .orElse(lease.entry().generation());
            List<Task> tasks = new ArrayList<>();
            for (Prompt prompt : prompts) {
                if (prompt instanceof Prompt.Infill && !lease.model().canInfill()) {
                    throw RequestException.of(
                            Kind.NOT_SUPPORTED,
                            "the model has no tokens for filling in text: "
                                    + lease.entry().name());
                }
                tasks.add(Task.of(prompt, options)
                        .withCount(count)
                        .withPriority(Sampling.priority(fields))
                        .withMostTime(
                                millis.isPresent() && millis.getAsLong() > 0
                                        ? Duration.ofMillis(millis.getAsLong())
                                        : null));
            }
            work.answer(call, lease, tasks, new Writer(call, fields, lease, tasks, many));
        }
    }

    private static final class Writer implements Work.Writer {
        private final Call call;
        private final Fields fields;
        private final Lease lease;
        private final List<Task> tasks;
        private final boolean many;
        private final boolean streams;
        private final List<Object> answers = new ArrayList<>();
        private final List<Collected> texts = new ArrayList<>();
        private final AnswerStreamWriter out;

        Writer(Call call, Fields fields, Lease lease, List<Task> tasks, boolean many) {
            this.call = call;
            this.fields = fields;
            this.lease = lease;
            this.tasks = tasks;
            this.many = many;
            streams = fields.bool("stream", false);
            out = call.writer(streams ? Format.EVENTS : Format.JSON);
        }

        @Override
        public void begin() {
            out.begin();
        }

        @Override
        public AnswerSink sink(int index, Running running) {
            Collected collected = new Collected();
            texts.add(collected);
            return streams ? new Sink(index, running) : collected;
        }

        @Override
        public void ended(int index, Running running, Outcome outcome) {
            Map<String, Object> body = body(index, running, outcome);
            if (streams) {
                out.data(body);
                return;
            }
            answers.add(chosen(body));
            if (answers.size() == tasks.size() * tasks.getFirst().count()) {
                call.json(200, many ? answers : answers.getFirst());
            }
        }

        private Map<String, Object> body(int index, Running running, Outcome outcome) {
            Task task = tasks.get(index / tasks.getFirst().count());
            String stopType = switch (outcome.generation().finishReason()) {
                case STOP_TOKEN -> "eos";
                case STOP_STRING -> "word";
                default -> "limit";
            };
            Map<String, Object> body = new LinkedHashMap<>();
            body.put("index", index);
            body.put("content", streams ? "" : texts.get(index).content());
            body.put(
                    "tokens",
                    fields.bool("return_tokens", false)
                            ? list(outcome.generation().tokens())
                            : List.of());
            body.put("id_slot", 0);
            body.put("stop", true);
            body.put("model", lease.entry().name());
            body.put("tokens_predicted", outcome.stats().generatedTokens());
            body.put("tokens_evaluated", outcome.stats().promptTokens());
            body.put("tokens_cached", outcome.stats().cachedTokens());
            body.put("generation_settings", Facts.Settings.of(task.generation(), running.tokenizer()));
            body.put("prompt", running.prompt(outcome));
            body.put("has_new_line", outcome.generation().text().contains("\n"));
            body.put("truncated", outcome.generation().finishReason() == dev.nibble.FinishReason.CONTEXT_FULL);
            body.put("stop_type", stopType);
            body.put("stopping_word", outcome.stop() == null ? "" : outcome.stop());
            body.put("timings", Counts.timings(outcome.stats()));
            if (task.generation().topLogProbabilities() > 0 && !streams) {
                body.put(
                        "completion_probabilities",
                        Counts.logprobs(texts.get(index).tokens(), running.tokenizer()));
            }
            return body;
        }

        private static List<Object> list(int[] tokens) {
            List<Object> list = new ArrayList<>(tokens.length);
            for (int token : tokens) {
                list.add(token);
            }
            return list;
        }

        /** The members that were asked for, by their paths; all if none was. */
        private Map<String, Object> chosen(Map<String, Object> body) {
            List<String> wanted = fields.strings("response_fields");
            if (wanted.isEmpty()) {
                return body;
            }
            Map<String, Object> chosen = new LinkedHashMap<>();
            for (String path : wanted) {
                Object value = body;
                String name = path;
                for (String part : path.split("/")) {
                    name = part;
                    value = value instanceof Map<?, ?> map ? map.get(part) : null;
                }
                if (value != null) {
                    chosen.put(name, value);
                }
            }
            return chosen;
        }

        private final class Sink implements AnswerSink {
            private final int index;
            private final Running running;

            Sink(int index, Running running) {
                this.index = index;
                this.running = running;
            }

            @Override
            public void content(String text, List<GeneratedToken> tokens) {
                Map<String, Object> piece = Json.object(
                        "index",
                        index,
                        "content",
                        text,
                        "tokens",
                        tokens.stream().map(GeneratedToken::id).toList(),
                        "stop",
                        false,
                        "id_slot",
                        0);
                if (tasks.getFirst().generation().topLogProbabilities() > 0) {
                    piece.put("completion_probabilities", Counts.logprobs(tokens, running.tokenizer()));
                }
                out.data(piece);
            }

            @Override
            public void progress(Progress progress) {
                if (fields.bool("return_progress", false)) {
                    out.data(Json.object(
                            "index",
                            index,
                            "content",
                            "",
                            "tokens",
                            List.of(),
                            "stop",
                            false,
                            "id_slot",
                            0,
                            "prompt_progress",
                            Counts.progress(progress),
                            "timings",
                            Counts.timings(progress)));
                }
            }

            @Override
            public void reasoning(String text) {}

            @Override
            public void call(int number, String id, String name) {}

            @Override
            public void arguments(int number, String json) {}
        }
    }
}
