package dev.nibble.server.llamacpp;

import dev.nibble.GenerationOptions;
import dev.nibble.server.ModelEntry;
import dev.nibble.server.http.Call;
import dev.nibble.server.http.Json;
import dev.nibble.server.http.RequestException;
import dev.nibble.server.http.RequestException.Kind;
import dev.nibble.server.work.Counters;
import dev.nibble.server.work.ModelFacts;
import dev.nibble.server.work.Slots;
import dev.nibble.server.work.Work;
import dev.nibble.tokenizer.Tokenizer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What the server tells of itself: {@code GET /props}, {@code /slots} and {@code /metrics}. Nothing of prompts is told. */
final class Facts {
    private static final int USUAL_CONTEXT = 8192;

    private final Work work;
    private final long started = System.currentTimeMillis() / 1000;

    private final LlamaCpp.Shown shown;

    Facts(Work work, LlamaCpp.Shown shown) {
        this.work = work;
        this.shown = shown;
    }

    private int context(ModelEntry entry) throws IOException {
        ModelFacts facts = work.models().facts(entry);
        return entry.load().contextLength().orElse(Math.min(facts.contextLength(), USUAL_CONTEXT));
    }

    void props(Call call, String rest) throws IOException {
        ModelEntry entry = work.models().requireOrOnly(call.query("model"));
        ModelFacts facts = work.models().facts(entry);
        GenerationOptions generation = entry.generation();
        String template = entry.template().map(own -> own.source()).orElse(facts.template());
        call.json(
                200,
                Json.object(
                        "default_generation_settings",
                                Json.object(
                                        "n_ctx", context(entry),
                                        "params", Settings.of(generation)),
                        "total_slots", work.slots().count(),
                        "model_alias", entry.name(),
                        "model_path", entry.file().toString(),
                        "model_ftype", facts.quantization(),
                        "modalities", Json.object("vision", false, "audio", false),
                        "endpoint_slots", shown.slots(),
                        "endpoint_props", false,
                        "endpoint_metrics", shown.metrics(),
                        "chat_template", template,
                        "chat_template_caps",
                                Json.object("supports_tools", template.contains("tools"), "supports_system_role", true),
                        "build_info", "nibble",
                        "is_sleeping", work.models().loaded().isEmpty()));
    }

    void slots(Call call, String rest) throws IOException {
        Slots slots = work.slots();
        if ("1".equals(call.query("fail_on_no_slot")) && slots.running() == slots.count()) {
            throw RequestException.of(Kind.BUSY, "no slot available");
        }
        int context = work.models().first().isPresent()
                ? context(work.models().first().get())
                : 0;
        List<Object> list = new ArrayList<>();
        for (int i = 0; i < slots.count(); i++) {
            list.add(Json.object(
                    "id",
                    i,
                    "id_task",
                    slots.isTaken(i) ? i : -1,
                    "n_ctx",
                    context,
                    "speculative",
                    false,
                    "is_processing",
                    slots.isTaken(i),
                    "next_token",
                    List.of(Json.object("n_remain", -1, "n_decoded", 0))));
        }
        call.json(200, list);
    }

    void metrics(Call call, String rest) {
        Counters counters = work.counters();
        StringBuilder text = new StringBuilder();
        long prompt = counters.promptTokens();
        long generated = counters.generatedTokens();
        counter(text, "llamacpp:prompt_tokens_total", "Tokens of prompts that were evaluated.", prompt);
        counter(
                text,
                "llamacpp:prompt_tokens_cached_total",
                "Tokens of prompts that were found evaluated.",
                counters.cachedTokens());
        counter(text, "llamacpp:prompt_seconds_total", "Seconds that prompts took.", counters.promptSeconds());
        counter(text, "llamacpp:tokens_predicted_total", "Tokens generated.", generated);
        counter(
                text,
                "llamacpp:tokens_predicted_seconds_total",
                "Seconds that they took.",
                counters.generationSeconds());
        counter(text, "llamacpp:n_decode_total", "Evaluations of answers, each counted by itself.", counters.decodes());
        counter(text, "llamacpp:n_tokens_max", "Tokens of the longest prompt and answer.", counters.mostTokens());
        counter(text, "llamacpp:spec_decode_num_draft_tokens_total", "Tokens guessed.", counters.draftedTokens());
        counter(
                text,
                "llamacpp:spec_decode_num_accepted_tokens_total",
                "Tokens guessed rightly.",
                counters.acceptedTokens());
        counter(text, "llamacpp:spec_decode_num_drafts_total", "Answers in which some were.", counters.drafts());
        gauge(
                text,
                "llamacpp:n_busy_slots_per_decode",
                "Answers in a batch, on average, of the models that are loaded.",
                work.models().meanBatchSize());
        counter(text, "nibble:requests_total", "Answers made to their end.", counters.answers());
        counter(text, "nibble:requests_failed_total", "Answers that failed.", counters.failures());
        counter(text, "nibble:requests_cancelled_total", "Answers whose client left.", counters.cancelled());
        counter(
                text,
                "nibble:requests_rejected_total",
                "Requests refused as the queue was full.",
                work.slots().rejected());
        gauge(
                text,
                "llamacpp:prompt_tokens_seconds",
                "Tokens of prompts a second, on average.",
                rate(prompt, counters.promptSeconds()));
        gauge(
                text,
                "llamacpp:predicted_tokens_seconds",
                "Tokens generated a second and answer, on average.",
                rate(generated, counters.generationSeconds()));
        gauge(
                text,
                "llamacpp:requests_processing",
                "Answers being made.",
                work.slots().running());
        gauge(
                text,
                "llamacpp:requests_deferred",
                "Requests that wait.",
                work.slots().waiting());
        gauge(
                text,
                "vllm:num_requests_running",
                "Answers being made.",
                work.slots().running());
        gauge(
                text,
                "vllm:num_requests_waiting",
                "Requests that wait.",
                work.slots().waiting());
        gauge(
                text,
                "nibble:seconds_since_progress",
                "Seconds since an answer began or ended.",
                counters.secondsSinceProgress());
        Runtime runtime = Runtime.getRuntime();
        gauge(text, "jvm_memory_used_bytes", "Heap in use.", runtime.totalMemory() - runtime.freeMemory());
        counters.waiting().write(text, "nibble:queue_seconds", "Seconds that requests waited for their turn.");
        counters.firstToken()
                .write(text, "gen_ai_server_time_to_first_token_seconds", "Seconds until the first token.");
        counters.perToken()
                .write(text, "gen_ai_server_time_per_output_token_seconds", "Seconds a token after the first.");
        counters.duration().write(text, "gen_ai_server_request_duration_seconds", "Seconds of whole answers.");
        call.answerHeader("Process-Start-Time-Unix", String.valueOf(started));
        call.text(200, "text/plain; version=0.0.4", text.toString());
    }

    private static double rate(long tokens, double seconds) {
        return seconds > 0 ? tokens / seconds : 0;
    }

    private static void counter(StringBuilder text, String name, String help, Number value) {
        sample(text, name, help, "counter", value);
    }

    private static void gauge(StringBuilder text, String name, String help, Number value) {
        sample(text, name, help, "gauge", value);
    }

    private static void sample(StringBuilder text, String name, String help, String type, Number value) {
        text.append("# HELP ").append(name).append(' ').append(help).append('\n');
        text.append("# TYPE ").append(name).append(' ').append(type).append('\n');
        text.append(name).append(' ').append(value).append('\n');
    }

    /** Settings in llama.cpp's words. */
    static final class Settings {
        private Settings() {}

        /** Those of an answer: the tokens that would end it are banned where it is not to end. */
        static Map<String, Object> of(GenerationOptions options, Tokenizer tokenizer) {
            Map<String, Object> settings = of(options);
            if (options.ignoreEndOfGeneration()) {
                List<Object> biases = new ArrayList<>();
                for (int token = 0; token < tokenizer.vocabulary().size(); token++) {
                    if (tokenizer.vocabulary().isEndOfGeneration(token)) {
                        biases.add(Json.object("token", token, "bias", null));
                    }
                }
                biases.addAll(biases(options));
                settings.put("logit_bias", biases);
            }
            return settings;
        }

        private static List<Object> biases(GenerationOptions options) {
            List<Object> biases = new ArrayList<>();
            options.logitBias()
                    .forEach((token, bias) -> biases.add(Json.object("token", token, "bias", Json.number(bias))));
            return biases;
        }

        static Map<String, Object> of(GenerationOptions options) {
            return Json.object(
                    "n_predict", options.maxTokens().orElse(-1),
                    "seed", options.seed().orElse(-1),
                    "temperature", options.temperature(),
                    "top_k", options.topK(),
                    "top_p", options.topP(),
                    "min_p", options.minP(),
                    "typical_p", options.typicalP(),
                    "xtc_probability", options.xtcProbability(),
                    "xtc_threshold", options.xtcThreshold(),
                    "repeat_penalty", options.repeatPenalty(),
                    "repeat_last_n", options.repeatLastN(),
                    "presence_penalty", options.presencePenalty(),
                    "frequency_penalty", options.frequencyPenalty(),
                    "ignore_eos", options.ignoreEndOfGeneration(),
                    "n_probs", options.topLogProbabilities(),
                    "stop", options.stop(),
                    "logit_bias", biases(options));
        }
    }
}
