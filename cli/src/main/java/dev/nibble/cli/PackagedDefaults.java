package dev.nibble.cli;

import dev.nibble.GenerationOptions;
import dev.nibble.chat.ChatMessage;
import dev.nibble.cli.models.ModelDefaults;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What a model comes with, in the terms of the commands: it counts where the command line says nothing. */
final class PackagedDefaults {
    /** Parameters about the machine, or about what is not done here: without them the answers are the same. */
    private static final Set<String> INDIFFERENT = Set.of(
            "num_keep",
            "num_gpu",
            "num_thread",
            "num_batch",
            "main_gpu",
            "use_mmap",
            "use_mlock",
            "low_vram",
            "numa",
            "f16_kv",
            "vocab_only",
            "logits_all");

    private final ModelDefaults defaults;
    private final List<String> unused = new ArrayList<>();
    private GenerationOptions options = GenerationOptions.DEFAULT;
    private @Nullable Integer context;

    /**
     * @throws IOException if a parameter has a value that it cannot have
     */
    PackagedDefaults(ModelDefaults defaults) throws IOException {
        this.defaults = defaults;
        for (Map.Entry<String, Object> parameter : new TreeMap<>(defaults.parameters()).entrySet()) {
            try {
                apply(parameter.getKey(), parameter.getValue());
            } catch (IllegalArgumentException e) {
                throw new IOException(
                        "the parameter " + parameter.getKey() + " that the model comes with: " + e.getMessage(), e);
            }
        }
        unused.addAll(defaults.unused());
    }

    private void apply(String name, Object value) {
        switch (name) {
            case "temperature" ->
                options = options.withTemperature(number(value).floatValue());
            case "top_k" -> options = options.withTopK(number(value).intValue());
            case "top_p" -> options = options.withTopP(number(value).floatValue());
            case "min_p" -> options = options.withMinP(number(value).floatValue());
            case "typical_p" -> options = options.withTypicalP(number(value).floatValue());
            case "seed" -> options = options.withSeed(number(value).longValue());
            case "repeat_penalty" ->
                options = options.withRepeatPenalty(number(value).floatValue());
            case "repeat_last_n" ->
                options = options.withRepeatLastN(number(value).intValue());
            case "frequency_penalty" ->
                options = options.withFrequencyPenalty(number(value).floatValue());
            case "presence_penalty" ->
                options = options.withPresencePenalty(number(value).floatValue());
            case "stop" -> options = options.withStop(texts(value));
            case "num_predict" -> {
                // -1 and -2: until the model ends or the context is full, as without it.
                if (number(value).intValue() >= 0) {
                    options = options.withMaxTokens(number(value).intValue());
                }
            }
            case "num_ctx" -> {
                if (number(value).intValue() < 1) {
                    throw new IllegalArgumentException("must be 1 or more, not " + value);
                }
                context = number(value).intValue();
            }
            default -> {
                if (!INDIFFERENT.contains(name)) {
                    unused.add(name);
                }
            }
        }
    }

    private static Number number(Object value) {
        if (value instanceof Number number) {
            return number;
        }
        throw new IllegalArgumentException("must be a number, not " + value);
    }

    private static List<String> texts(Object value) {
        List<String> texts = new ArrayList<>();
        for (Object item : value instanceof List<?> list ? list : List.of(value)) {
            if (!(item instanceof String text) || text.isEmpty()) {
                throw new IllegalArgumentException("must be texts, not " + value);
            }
            texts.add(text);
        }
        return texts;
    }

    /** How tokens are chosen where the command line says nothing. */
    GenerationOptions options() {
        return options;
    }

    /** The context in tokens, or null if it comes with none. */
    @Nullable Integer context() {
        return context;
    }

    /** The system message of a chat: {@code given} if there is one, even if it is empty. */
    @Nullable String system(@Nullable String given) {
        return given == null ? defaults.system() : given;
    }

    /** The messages that a chat begins with. */
    List<ChatMessage> opening() {
        return defaults.opening().stream()
                .map(turn -> new ChatMessage(turn.role(), turn.content()))
                .toList();
    }

    /**
     * What the user has to know of what is not used, each for a line.
     *
     * @param chat whether a chat template makes the prompt
     * @param template whether the file has a template of its own
     */
    List<String> notes(boolean chat, boolean template) {
        List<String> notes = new ArrayList<>();
        if (!unused.isEmpty()) {
            notes.add("not supported, of what the model comes with: " + String.join(", ", unused));
        }
        if (chat && defaults.template() && !template) {
            notes.add("the model comes with a template in Ollama's own language, which is not supported");
        }
        if (!chat && (defaults.system() != null || !defaults.opening().isEmpty())) {
            notes.add("the model comes with a system message or an opening, which count with --chat only");
        }
        return notes;
    }
}
