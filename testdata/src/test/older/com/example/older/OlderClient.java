package com.example.older;

import dev.nibble.ActivationType;
import dev.nibble.ChatOptions;
import dev.nibble.ContextOverflowException;
import dev.nibble.Engine;
import dev.nibble.EngineOptions;
import dev.nibble.GeneratedToken;
import dev.nibble.Generation;
import dev.nibble.GenerationOptions;
import dev.nibble.GenerationStats;
import dev.nibble.KvCacheType;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.MemoryPlan;
import dev.nibble.ModelStats;
import dev.nibble.NibbleException;
import dev.nibble.Session;
import dev.nibble.SessionOptions;
import dev.nibble.TokenStream;
import dev.nibble.chat.ChatMessage;
import dev.nibble.chat.ChatTemplate;
import dev.nibble.chat.Tool;
import dev.nibble.chat.ToolChoice;
import dev.nibble.sampling.LogitsProcessor;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * A program that was compiled once against an early version of the library and is run with every later one: older-client.jar
 * in the resources. It names every option, takes results apart and implements what callers implement. Not compiled by the
 * build: to make it anew is to break the programs that people have.
 */
public final class OlderClient implements Function<Path, List<String>> {
    record City(String name, int days) {}

    @Override
    public List<String> apply(Path file) {
        EngineOptions engineOptions = EngineOptions.DEFAULT.withThreads(1).withMemoryBudget(1L << 30);
        LogitsProcessor nothing = (logits, tokens, count) -> {};
        GenerationOptions options = GenerationOptions.DEFAULT
                .withMaxTokens(5)
                .withTemperature(0.8f)
                .withTopK(20)
                .withTopP(0.9f)
                .withMinP(0.01f)
                .withTypicalP(1)
                .withXtcProbability(0)
                .withXtcThreshold(0.1f)
                .withRepeatPenalty(1.1f)
                .withRepeatLastN(32)
                .withFrequencyPenalty(0.1f)
                .withPresencePenalty(0.1f)
                .withSeed(7)
                .withStop("never seen")
                .withLogitBias(Map.of(3, -1f))
                .withLogitsProcessors(List.of(nothing))
                .withIgnoreEndOfGeneration(true)
                .withTopLogProbabilities(2)
                .withPromptProgress((done, total) -> {});
        try (Engine engine = Engine.open(engineOptions)) {
            LoadOptions load = LoadOptions.DEFAULT
                    .withEngine(engine)
                    .withBackend("cpu")
                    .withContextLength(128)
                    .withKvCacheType(KvCacheType.F16)
                    .withActivations(ActivationType.F32)
                    .withRepack(false);
            try (LanguageModel model = LanguageModel.load(file, load);
                    Session session = model.newSession(SessionOptions.DEFAULT
                            .withContextLength(96)
                            .withKvCacheType(KvCacheType.Q8_0))) {
                return use(model, session, options);
            }
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static List<String> use(LanguageModel model, Session session, GenerationOptions options) {
        StringBuilder streamed = new StringBuilder();
        int alternatives = 0;
        Generation generation;
        try (TokenStream stream = session.stream("abc", options)) {
            for (GeneratedToken token : stream) {
                streamed.append(token.text());
                alternatives += token.alternatives().size();
            }
            generation = stream.result();
        }
        session.truncate(1);
        session.reset();
        String constrained = session.generate("abc", options.withRegex("[xy]{3}")).text();
        ChatOptions chat = ChatOptions.DEFAULT
                .withGeneration(options)
                .withTemplate(ChatTemplate.parse("{% for m in messages %}{{ m.content }}{% endfor %}"))
                .withTemplateVariables(Map.of("date", "today"));
        String answer = session.chat(List.of(ChatMessage.system("s"), ChatMessage.user("u")), chat)
                .result()
                .text();
        Tool tool = Tool.of("weather", "of a city", City.class, city -> city.name());
        boolean choice = ToolChoice.named(tool.spec().name()).isRequired() && tool.hasHandler();
        boolean refused = false;
        try {
            session.evaluate(new int[200], false);
        } catch (ContextOverflowException e) {
            refused = e instanceof NibbleException;
        }
        GenerationStats stats = generation.stats();
        MemoryPlan plan = model.memoryPlan(96);
        ModelStats counted = model.stats();
        return List.of(
                "tokens " + generation.tokens().length,
                "same text " + streamed.toString().equals(generation.text()),
                "reason " + generation.finishReason(),
                "alternatives " + alternatives,
                "constrained " + constrained.matches("[xy]{3}"),
                "chat " + !answer.isEmpty(),
                "tools " + choice,
                "refused " + refused,
                "stats " + (stats.generatedTokens() + stats.cachedTokens() + stats.forcedTokens()),
                "plan " + (plan.total() > 0 && plan.contextLength() == 96),
                "sessions " + counted.sessions());
    }
}
