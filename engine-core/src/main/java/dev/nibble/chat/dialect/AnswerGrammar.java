package dev.nibble.chat.dialect;

import dev.nibble.chat.dialect.Dialect.Pair;
import dev.nibble.constraint.Constraint;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What an answer in a dialect may look like: the other way round of {@link AnswerReader}. Immutable. */
public final class AnswerGrammar {
    /** White space between the parts of an answer: none, or as much as models write. */
    private static final Constraint SPACE = Constraint.regex("[ \\n\\r\\t]{0,8}");

    private final Dialect dialect;
    private final String prefill;
    /** What reasoning stands between that the prompt has begun, null without. */
    private final @Nullable Pair open;
    /** What reasoning may stand between that the model begins itself. */
    private final List<Pair> possible;

    /**
     * That of one answer.
     *
     * @param prefill what the prompt says of the answer already
     * @param template the source of the template: where it knows of reasoning, the model may begin it
     */
    public AnswerGrammar(Dialect dialect, String prefill, String template) {
        this.dialect = dialect;
        this.prefill = prefill;
        open = dialect.reasoning().stream()
                .filter(pair -> pair.isOpenAtTheEndOf(prefill))
                .findFirst()
                .orElse(null);
        possible = dialect.reasoning().stream()
                .filter(pair -> template.contains(pair.open()) && !prefill.contains(pair.close()))
                .toList();
    }

    /** An answer whose text for the user satisfies a constraint; reasoning before it is free. */
    public Constraint content(Constraint content) {
        return afterReasoning(List.of(), wrapped(content));
    }

    /** What follows reasoning, if there is any. */
    private Constraint afterReasoning(List<String> marks, Constraint body) {
        if (open != null) {
            return Constraint.sequence(Constraint.upTo(open.close(), marks), SPACE, body);
        }
        List<Constraint> ways = new ArrayList<>(List.of(body));
        for (Pair pair : possible) {
            ways.add(Constraint.sequence(
                    SPACE, Constraint.mark(pair.open()), Constraint.upTo(pair.close(), marks), SPACE, body));
        }
        return ways.size() == 1 ? body : Constraint.anyOf(ways);
    }

    /** Text with the marks around it that are no part of it. */
    private Constraint wrapped(Constraint content) {
        if (dialect.dropped().isEmpty()) {
            return content;
        }
        List<Constraint> marks = new ArrayList<>();
        int from = dialect.carried().isEmpty() ? -1 : prefill.lastIndexOf(dialect.carried());
        String begun = from < 0 ? "" : prefill.substring(from);
        for (String mark : dialect.dropped()) {
            marks.add(Constraint.mark(mark.startsWith(begun) ? mark.substring(begun.length()) : mark));
        }
        Constraint around = Constraint.anyOf(marks).optional();
        return Constraint.sequence(around, content, around);
    }
}
