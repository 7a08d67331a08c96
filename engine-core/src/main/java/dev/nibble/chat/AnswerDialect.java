package dev.nibble.chat;

import dev.nibble.UnsupportedChatTemplateException;
import dev.nibble.chat.dialect.AnswerGrammar;
import dev.nibble.chat.dialect.AnswerReader;
import dev.nibble.chat.dialect.Dialect;
import dev.nibble.chat.dialect.Dialects;
import dev.nibble.chat.dialect.TemplateDiff;
import dev.nibble.chat.dialect.Tools;
import dev.nibble.constraint.Constraint;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * How the model of a chat template writes its answers: what marks reasoning, and how calls of tools are written. Found by marks
 * in the template that only one family of models has, else by rendering conversations that differ in one thing. Immutable and
 * thread-safe.
 */
public final class AnswerDialect {
    private final Dialect dialect;
    private final String template;

    private AnswerDialect(Dialect dialect, String template) {
        this.dialect = dialect;
        this.template = template;
    }

    /** The dialect of a template; never fails, but may know of no calls. */
    public static AnswerDialect of(ChatTemplate template) {
        return new AnswerDialect(
                Dialects.of(template.source())
                        .or(() -> TemplateDiff.of(variables -> template.render(variables)))
                        .orElseGet(Dialects::plain),
                template.source());
    }

    /** What the dialect is called here. */
    public String name() {
        return dialect.name();
    }

    /** Whether it is known how calls of tools are written. */
    public boolean hasToolCalls() {
        return dialect.hasCalls();
    }

    /**
     * A parser of one answer.
     *
     * @param tools the tools that the model was told of; without any, nothing is read as a call
     * @param prefill what the prompt says of the answer already: the prompt without what it is when no answer is asked for.
     *     Tells whether the model begins with reasoning
     * @throws UnsupportedChatTemplateException if there are tools and it is not known how they are called
     * @throws IllegalArgumentException if two tools have the same name
     */
    public AnswerParser parser(List<ToolSpec> tools, String prefill) {
        Objects.requireNonNull(prefill, "prefill");
        requireCalls(tools);
        Map<String, String> schemas = schemas(tools);
        return new AnswerParser(sink -> new AnswerReader(dialect, new Tools(schemas), prefill, sink));
    }

    private static Map<String, String> schemas(List<ToolSpec> tools) {
        Map<String, String> schemas = new LinkedHashMap<>();
        for (ToolSpec tool : tools) {
            if (schemas.put(tool.name(), tool.schema()) != null) {
                throw new IllegalArgumentException("two tools are called " + tool.name());
            }
        }
        return schemas;
    }

    private void requireCalls(List<ToolSpec> tools) {
        if (!tools.isEmpty() && !hasToolCalls()) {
            throw new UnsupportedChatTemplateException(
                    "the chat template does not tell how the model calls tools: it has no known marks, and renders no calls "
                            + "that could be told apart; use a template that does, or give no tools");
        }
    }

    /**
     * What an answer has to look like for its calls to be valid: of the tools that there are, with arguments that satisfy their
     * schemas. Text is free up to the mark that begins a call; reasoning before is free as in {@link
     * #constrain(Constraint, String)}.
     *
     * @param tools at least one
     * @param parallel whether there may be several calls
     * @param content what the text for the user has to satisfy where there are no calls; null for anything
     * @param prefill as for {@link #parser}
     * @throws UnsupportedChatTemplateException if it is not known how tools are called
     * @throws dev.nibble.constraint.ConstraintException if the arguments of a tool cannot be enforced; the message names the
     *     tool and what of its schema
     * @throws IllegalArgumentException if there is no tool, or not the one that has to be called
     */
    public Constraint constrain(
            List<ToolSpec> tools, ToolChoice choice, boolean parallel, @Nullable Constraint content, String prefill) {
        requireCalls(tools);
        return new AnswerGrammar(dialect, prefill, template).calls(schemas(tools), choice, parallel, content);
    }

    /**
     * What an answer has to look like for its text to satisfy a constraint: reasoning before it is free, where the prompt has
     * begun it or the template knows of it.
     *
     * @param prefill as for {@link #parser}
     */
    public Constraint constrain(Constraint content, String prefill) {
        return new AnswerGrammar(dialect, prefill, template).content(content);
    }

    @Override
    public String toString() {
        return name();
    }
}
