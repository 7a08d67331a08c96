package dev.nibble.server.openai;

import dev.nibble.FinishReason;
import dev.nibble.GeneratedToken;
import dev.nibble.GenerationStats;
import dev.nibble.TokenProbability;
import dev.nibble.server.http.Json;
import dev.nibble.server.work.AnswerSink;
import dev.nibble.server.work.Outcome;
import dev.nibble.tokenizer.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Counts, times and probabilities in the words of OpenAI and llama.cpp. */
public final class Counts {
    /** What answers are said to be made by. */
    static final String FINGERPRINT = "build-nibble"; // programs made for llama.cpp's server look for the b

    private Counts() {}

    /** How far a prompt is as llama.cpp tells it. */
    public static Map<String, Object> progress(AnswerSink.Progress progress) {
        return Json.object(
                "total", progress.total(),
                "cache", progress.held(),
                "processed", progress.evaluated(),
                "time_ms", progress.nanos() / 1_000_000);
    }

    /** Times while a prompt is read. */
    public static Map<String, Object> timings(AnswerSink.Progress progress) {
        return timings(GenerationStats.NONE.withPrompt(
                progress.evaluated(), progress.held(), Duration.ofNanos(progress.nanos())));
    }

    /** The usage of answers to one prompt. */
    static Map<String, Object> usage(List<Outcome> outcomes) {
        long prompt = 0;
        long cached = 0;
        long completion = 0;
        long reasoning = 0;
        for (Outcome outcome : outcomes) {
            prompt = Math.max(prompt, outcome.stats().promptTokens());
            cached = Math.max(cached, outcome.stats().cachedTokens());
            completion += outcome.stats().generatedTokens();
            reasoning += outcome.reasoningTokens();
        }
        return usage(prompt, cached, completion, reasoning);
    }

    static Map<String, Object> usage(long prompt, long cached, long completion, long reasoning) {
        return Json.object(
                "prompt_tokens",
                prompt,
                "completion_tokens",
                completion,
                "total_tokens",
                prompt + completion,
                "prompt_tokens_details",
                Json.object("cached_tokens", cached),
                "completion_tokens_details",
                Json.object("reasoning_tokens", reasoning));
    }

    /** Times as llama.cpp tells them. */
    public static Map<String, Object> timings(GenerationStats stats) {
        int evaluated = stats.promptTokens() - stats.cachedTokens();
        double promptMillis = stats.promptTime().toNanos() * 1e-6;
        double millis = stats.generationTime().toNanos() * 1e-6;
        return Json.object(
                "cache_n",
                stats.cachedTokens(),
                "prompt_n",
                evaluated,
                "prompt_ms",
                promptMillis,
                "prompt_per_token_ms",
                evaluated == 0 ? 0.0 : promptMillis / evaluated,
                "prompt_per_second",
                stats.promptTokensPerSecond(),
                "predicted_n",
                stats.generatedTokens(),
                "predicted_ms",
                millis,
                "predicted_per_token_ms",
                stats.generatedTokens() < 2 ? 0.0 : millis / (stats.generatedTokens() - 1),
                "predicted_per_second",
                stats.generationTokensPerSecond());
    }

    /** Why an answer ended. */
    static String finishReason(Outcome outcome) {
        if (outcome.generation().finishReason() == FinishReason.CANCELLED || outcome.isCut()) {
            return "length";
        }
        return outcome.calls() > 0 ? "tool_calls" : "stop";
    }

    /** The probabilities of tokens in the form of chats. */
    public static List<Object> logprobs(List<GeneratedToken> tokens, Tokenizer tokenizer) {
        List<Object> list = new ArrayList<>();
        for (GeneratedToken token : tokens) {
            Map<String, Object> one = probability(token.id(), token.logProbability(), tokenizer);
            List<Object> top = new ArrayList<>();
            for (TokenProbability other : token.alternatives()) {
                top.add(probability(other.id(), other.logProbability(), tokenizer));
            }
            one.put("top_logprobs", top);
            list.add(one);
        }
        return list;
    }

    private static Map<String, Object> probability(int id, float logProbability, Tokenizer tokenizer) {
        byte[] bytes = tokenizer.bytes(id);
        List<Object> values = new ArrayList<>(bytes.length);
        for (byte value : bytes) {
            values.add(value & 0xFF);
        }
        String text = new String(bytes, StandardCharsets.UTF_8);
        return Json.object(
                "id",
                id,
                "token",
                bytes.length == 0 ? tokenizer.vocabulary().text(id) : text,
                "bytes",
                values,
                "logprob",
                finite(logProbability));
    }

    /** A probability of nothing has no logarithm that JSON can write. */
    static float finite(float logProbability) {
        return Float.isFinite(logProbability) ? Math.min(0, logProbability) : -9999f;
    }
}
