package dev.nibble;

import dev.nibble.OptionValues.Option;
import dev.nibble.chat.ChatTemplate;
import dev.nibble.chat.Tool;
import dev.nibble.chat.ToolChoice;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
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

    private static final Option<Optional<ChatTemplate>> TEMPLATE = new Option<>("template", Optional.empty());
    private static final Option<List<Tool>> TOOLS = new Option<>("tools", List.of());
    private static final Option<ToolChoice> TOOL_CHOICE = new Option<>("toolChoice", ToolChoice.AUTO);
    private static final Option<Boolean> PARALLEL_TOOL_CALLS = new Option<>("parallelToolCalls", true);
    private static final Option<String> ANSWER_BEGINNING = new Option<>("answerBeginning", "");
    private static final Option<Optional<Boolean>> THINKING = new Option<>("thinking", Optional.empty());

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

    /** The chat template that stands in for those of the file; empty for theirs. */
    public Optional<ChatTemplate> template() {
        return values.get(TEMPLATE);
    }

    /** For a model whose file has none, or one that lacks something, as tools. */
    public ChatOptions withTemplate(ChatTemplate value) {
        return with(TEMPLATE, Optional.of(Objects.requireNonNull(value, TEMPLATE.name())));
    }

    /** The tools that the model may call. */
    public List<Tool> tools() {
        return values.get(TOOLS);
    }

    /**
     * The chat template tells the model of them, and how it calls them is found out from the template; a chat with one that does
     * not tell fails with an {@link UnsupportedChatTemplateException}. Calls are always of these tools, with arguments that
     * satisfy their schemas; a schema that cannot be enforced fails with a {@link
     * dev.nibble.constraint.ConstraintException}. {@link Session#answer(List, ChatOptions)} tells the calls, a {@link
     * ToolLoop} runs them.
     */
    public ChatOptions withTools(List<Tool> value) {
        return with(TOOLS, List.copyOf(Arguments.requireNonNull(value, TOOLS.name())));
    }

    /** As {@link #withTools(List)}. */
    public ChatOptions withTools(Tool... value) {
        return withTools(Arrays.asList(Objects.requireNonNull(value, TOOLS.name())));
    }

    /** Whether tools may, must or must not be called; without effect where there are none. */
    public ToolChoice toolChoice() {
        return values.get(TOOL_CHOICE);
    }

    /** By default the model decides; a name that no tool has fails in the chat. */
    public ChatOptions withToolChoice(ToolChoice value) {
        return with(TOOL_CHOICE, Objects.requireNonNull(value, TOOL_CHOICE.name()));
    }

    /** Whether an answer may have several calls. */
    public boolean parallelToolCalls() {
        return values.get(PARALLEL_TOOL_CALLS);
    }

    /** By default an answer may have as many calls as the model writes. */
    public ChatOptions withParallelToolCalls(boolean value) {
        return with(PARALLEL_TOOL_CALLS, value);
    }

    /** Whether the model is asked to think; empty for what the template does by itself. */
    public Optional<Boolean> thinking() {
        return values.get(THINKING);
    }

    /** For templates that know {@code enable_thinking} or {@code thinking}, which are set so; without effect in others. */
    public ChatOptions withThinking(boolean value) {
        return with(THINKING, Optional.of(value));
    }

    /** What the answer begins with; empty for an answer that is all the model's. */
    public String answerBeginning() {
        return values.get(ANSWER_BEGINNING);
    }

    /**
     * Has the model go on with an answer that was begun; what is generated is only what follows.
     *
     * @param value the beginning, in which control tokens do not count
     */
    public ChatOptions withAnswerBeginning(String value) {
        return with(ANSWER_BEGINNING, Objects.requireNonNull(value, ANSWER_BEGINNING.name()));
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
