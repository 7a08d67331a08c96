package dev.nibble;

import dev.nibble.OptionValues.Option;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * How a conversation becomes a prompt, and how its answer is generated. Immutable; start from {@link #DEFAULT} and set what
 * differs.
 */
public final class ChatOptions {
    private static final Option<GenerationOptions> GENERATION = new Option<>("generation", GenerationOptions.DEFAULT);
    private static final Option<Map<String, Object>> TEMPLATE_VARIABLES = new Option<>("templateVariables", Map.of());
    private static final Option<Optional<String>> TEMPLATE_NAME = new Option<>("templateName", Optional.empty());
    private static final Option<Boolean> CONTROL_TOKENS_IN_MESSAGES = new Option<>("controlTokensInMessages", false);

    /** The file's default template, without variables beside the messages, and {@link GenerationOptions#DEFAULT}. */
    public static final ChatOptions DEFAULT = new ChatOptions(OptionValues.NONE);

    private final OptionValues values;

    private ChatOptions(OptionValues values) {
        this.values = values;
    }

    /** How the answer is generated. */
    public GenerationOptions generation() {
        return values.get(GENERATION);
    }

    /** How the answer is generated. */
    public ChatOptions withGeneration(GenerationOptions value) {
        return with(GENERATION, Objects.requireNonNull(value, GENERATION.name()));
    }

    /** Variables for the chat template beside the messages. */
    public Map<String, Object> templateVariables() {
        return values.get(TEMPLATE_VARIABLES);
    }

    /** As {@code enable_thinking} or {@code tools}; values are strings, numbers, booleans, lists and maps of such. */
    public ChatOptions withTemplateVariables(Map<String, Object> value) {
        Objects.requireNonNull(value, TEMPLATE_VARIABLES.name());
        return with(TEMPLATE_VARIABLES, Collections.unmodifiableMap(new LinkedHashMap<>(value)));
    }

    /** Which of the file's chat templates is used; empty for the default, or that for tools where there are some. */
    public Optional<String> templateName() {
        return values.get(TEMPLATE_NAME);
    }

    /** One of {@link dev.nibble.chat.ChatTemplates#names}; of another name the chat says which there are. */
    public ChatOptions withTemplateName(String value) {
        return with(TEMPLATE_NAME, Optional.of(Objects.requireNonNull(value, TEMPLATE_NAME.name())));
    }

    /** Whether control tokens written in a chat message count as such. */
    public boolean controlTokensInMessages() {
        return values.get(CONTROL_TOKENS_IN_MESSAGES);
    }

    /**
     * By default {@code <|im_end|>} typed by a user stays text; true lets messages contain control tokens, for text
     * that is trusted.
     */
    public ChatOptions withControlTokensInMessages(boolean value) {
        return with(CONTROL_TOKENS_IN_MESSAGES, value);
    }

    private <T> ChatOptions with(Option<T> option, T value) {
        return new ChatOptions(values.with(option, value));
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof ChatOptions options && values.equals(options.values);
    }

    @Override
    public int hashCode() {
        return values.hashCode();
    }

    /** The options that were set. */
    @Override
    public String toString() {
        return values.describe(ChatOptions.class);
    }
}
