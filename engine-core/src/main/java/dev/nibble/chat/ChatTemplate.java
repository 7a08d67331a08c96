package dev.nibble.chat;

import dev.nibble.ChatTemplateException;
import dev.nibble.UnsupportedChatTemplateException;
import dev.nibble.chat.jinja.Template;
import dev.nibble.chat.jinja.Text;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The template of a model file that turns a conversation into a prompt. It renders as Python's Jinja does with the settings
 * Hugging Face uses for chat templates: {@code trim_blocks} and {@code lstrip_blocks}, loop controls, {@code generation} blocks,
 * {@code tojson} as {@code json.dumps} without ASCII escapes, {@code raise_exception}, {@code strftime_now}. Nothing in it can
 * reach Java: there is no reflection, and no input or output.
 *
 * <p>A rendering is bounded by 4 million steps (and 32 for each character given), 16 Mi characters of text made (and 512 for each
 * character given) and 400 levels of nesting; beyond, it fails with a {@link ChatTemplateException}.
 *
 * <p>Values are String, Number, Boolean, {@code null}, List and Map with String keys; maps keep their order. Usual variables are
 * {@code messages}, {@code add_generation_prompt}, {@code bos_token}, {@code eos_token}, {@code tools}.
 *
 * <p>Immutable and thread-safe.
 */
public final class ChatTemplate {
    private final String source;
    private final Template template;

    private ChatTemplate(String source, Template template) {
        this.source = source;
        this.template = template;
    }

    /**
     * A stretch of a prompt.
     *
     * @param text the characters, never none
     * @param trusted whether they are the template's own; else they came from a message, a tool or another variable, and what
     *     looks like a control token in them is only text
     */
    public record Segment(String text, boolean trusted) {}

    /**
     * Parses a template.
     *
     * @throws UnsupportedChatTemplateException if it needs something this version lacks; the message names it and its line
     * @throws ChatTemplateException if it is not well-formed; the message says why and in which line
     */
    public static ChatTemplate parse(String source) {
        Objects.requireNonNull(source, "source");
        return new ChatTemplate(source, Template.parse(source));
    }

    /** The template as it was given. */
    public String source() {
        return source;
    }

    /** {@link #render(Map, LocalDateTime)} with the present time. */
    public String render(Map<String, ? extends @Nullable Object> variables) {
        return render(variables, LocalDateTime.now(ZoneId.systemDefault()));
    }

    /**
     * Renders the prompt.
     *
     * @param variables what the template may use
     * @param now the time that {@code strftime_now} tells
     * @throws ChatTemplateException if the template refuses the conversation, fails on it, or exceeds a limit
     * @throws UnsupportedChatTemplateException if it reaches something this version lacks
     * @throws IllegalArgumentException for a value of another type than listed above, or nested more than 200 levels deep
     */
    public String render(Map<String, ? extends @Nullable Object> variables, LocalDateTime now) {
        return text(variables, now).value();
    }

    /** {@link #render(Map)} of a conversation; see {@link #variables}. */
    public String render(
            List<ChatMessage> messages, boolean addGenerationPrompt, Map<String, ? extends @Nullable Object> extra) {
        return render(variables(messages, addGenerationPrompt, extra));
    }

    /**
     * Renders the prompt in stretches that tell the template's own text from text that came from outside, so that control tokens
     * are recognised in the former only. Together they are exactly {@link #render(Map, LocalDateTime)}.
     *
     * <p>Trusted are the template's literals, the values of variables whose name ends in {@code _token}, and a message's role
     * where it is a plain word. Everything else is not, also when it was cut, joined, replaced or written as JSON; a rewriting
     * that cannot be followed, such as a change of case, of text from both makes all of it untrusted.
     *
     * <p>A control token has to lie within one trusted segment. The text between control tokens is best encoded in one piece
     * across segments, since a tokenizer may join the characters on both sides of a border.
     *
     * @throws ChatTemplateException as {@link #render(Map, LocalDateTime)} does
     */
    public List<Segment> renderSegments(Map<String, ? extends @Nullable Object> variables, LocalDateTime now) {
        Text text = text(variables, now);
        List<Segment> segments = new ArrayList<>();
        int end = 0;
        int[] untrusted = text.untrustedRanges();
        for (int i = 0; i < untrusted.length; i += 2) {
            add(segments, text, end, untrusted[i], true);
            add(segments, text, untrusted[i], untrusted[i + 1], false);
            end = untrusted[i + 1];
        }
        add(segments, text, end, text.value().length(), true);
        return List.copyOf(segments);
    }

    private Text text(Map<String, ? extends @Nullable Object> variables, LocalDateTime now) {
        Objects.requireNonNull(variables, "variables");
        Objects.requireNonNull(now, "now");
        return template.render(variables, now);
    }

    private static void add(List<Segment> segments, Text text, int from, int to, boolean trusted) {
        if (from < to) {
            segments.add(new Segment(text.value().substring(from, to), trusted));
        }
    }

    /** {@link #renderSegments(Map, LocalDateTime)} of a conversation at the present time; see {@link #variables}. */
    public List<Segment> renderSegments(
            List<ChatMessage> messages, boolean addGenerationPrompt, Map<String, ? extends @Nullable Object> extra) {
        return renderSegments(
                variables(messages, addGenerationPrompt, extra), LocalDateTime.now(ZoneId.systemDefault()));
    }

    /**
     * The variables that a conversation is rendered with.
     *
     * @param addGenerationPrompt whether the prompt ends where the assistant's answer begins
     * @param extra further variables, such as {@code bos_token}, {@code tools} or {@code enable_thinking}; they win over the two
     *     others
     */
    public static Map<String, @Nullable Object> variables(
            List<ChatMessage> messages, boolean addGenerationPrompt, Map<String, ? extends @Nullable Object> extra) {
        Objects.requireNonNull(messages, "messages");
        Objects.requireNonNull(extra, "extra");
        Map<String, @Nullable Object> variables = new LinkedHashMap<>();
        variables.put("messages", messages.stream().map(ChatMessage::toMap).toList());
        variables.put("add_generation_prompt", addGenerationPrompt);
        variables.putAll(extra);
        return variables;
    }
}
