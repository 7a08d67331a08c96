package dev.nibble.chat.jinja;

import dev.nibble.ChatTemplateException;
import dev.nibble.NibbleException;
import dev.nibble.UnsupportedChatTemplateException;
import java.time.LocalDateTime;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A parsed template. Immutable; renderings may run at the same time. */
public final class Template {
    private final List<Node.Statement> body;
    private final int length;

    private Template(List<Node.Statement> body, int length) {
        this.body = body;
        this.length = length;
    }

    /**
     * Parses a template.
     *
     * @throws UnsupportedChatTemplateException if it needs something this interpreter lacks
     * @throws ChatTemplateException if it is not well-formed
     */
    public static Template parse(String source) {
        try {
            return new Template(Parser.parse(source), source.length());
        } catch (SyntaxError e) {
            throw exception(e.error(), e.line());
        } catch (StackOverflowError e) {
            throw tooDeep();
        }
    }

    /**
     * Renders the template.
     *
     * @throws ChatTemplateException if the template refuses the values, fails on them, or exceeds a limit
     * @throws UnsupportedChatTemplateException if it reaches something this interpreter lacks
     * @throws IllegalArgumentException for a value that is not a string, number, boolean, list, map with string keys or null
     */
    public Text render(Map<String, ? extends @Nullable Object> variables, LocalDateTime now) {
        Variables values = new Variables(variables);
        Rendering rendering = new Rendering(now, values.size() + length);
        Scope scope = new Scope(null);
        for (DictValue.Entry entry : values.values().entries()) {
            scope.set(((Text) entry.key()).value(), entry.value());
        }
        try {
            return new Interpreter(rendering).run(body, scope);
        } catch (TemplateError e) {
            throw exception(e, rendering.line());
        } catch (StackOverflowError e) {
            throw tooDeep();
        }
    }

    /** The nesting is bounded to fit an ordinary thread; this is for one with an unusually small stack. */
    private static ChatTemplateException tooDeep() {
        return new ChatTemplateException("chat template: nested too deep for the stack of this thread");
    }

    private static NibbleException exception(TemplateError error, int line) {
        return switch (error.kind()) {
            case FAILED -> new ChatTemplateException("chat template, line " + line + ": " + error.text());
            case RAISED -> new ChatTemplateException(error.text());
            case UNSUPPORTED ->
                new UnsupportedChatTemplateException(
                        "chat template, line " + line + ": " + error.text() + " is not supported");
        };
    }
}
