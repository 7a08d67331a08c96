package dev.nibble.chat.dialect;

import dev.nibble.chat.ToolChoice;
import dev.nibble.chat.dialect.Dialect.Pair;
import dev.nibble.constraint.Constraint;
import dev.nibble.constraint.ConstraintException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What an answer in a dialect may look like: the other way round of {@link AnswerReader}. Immutable. */
public final class AnswerGrammar {
    private static final Constraint SPACE = CallGrammar.SPACE;

    /**
     * A way into calls.
     *
     * @param mark what they begin with
     * @param rest what follows it
     */
    private record Way(String mark, Constraint rest) {}

    private final Dialect dialect;
    private final String prefill;
    /** The end of the prompt that the answer goes on with, as if the model had written it. */
    private final String begun;
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
        int from = dialect.carried().isEmpty() ? -1 : prefill.lastIndexOf(dialect.carried());
        begun = from < 0 ? "" : prefill.substring(from);
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
        return dialect.header() == null
                ? afterReasoning(List.of(), wrapped(content))
                : new HarmonyGrammar(dialect).content(content);
    }

    /**
     * An answer that may call tools; reasoning before it is free.
     *
     * @param schemas JSON schemas of the arguments by the names of the tools
     * @param parallel whether there may be several calls
     * @param content what the text for the user has to satisfy, if it is not calls; null for anything
     * @throws ConstraintException if the arguments of a tool cannot be enforced; the message names the tool
     */
    public Constraint calls(
            Map<String, String> schemas, ToolChoice choice, boolean parallel, @Nullable Constraint content) {
        List<ToolSchema> tools = new ArrayList<>();
        schemas.forEach((name, schema) -> {
            if (choice.name().isEmpty() || choice.name().get().equals(name)) {
                tools.add(new ToolSchema(name, schema));
            }
        });
        if (tools.isEmpty()) {
            throw new IllegalArgumentException("there is no tool " + choice);
        }
        if (dialect.header() != null) {
            return new HarmonyGrammar(dialect).calls(tools, choice, content);
        }
        List<Way> ways = ways(tools, parallel);
        List<String> marks = ways.stream().map(Way::mark).distinct().toList();
        Constraint body = body(tools, ways, choice, parallel, content);
        if (open == null || !dialect.callsInReasoning() || !choice.isAllowed()) {
            return afterReasoning(List.of(), body);
        }
        List<Constraint> all = new ArrayList<>();
        List<String> stops = new ArrayList<>(marks);
        stops.add(open.close());
        all.add(Constraint.sequence(Constraint.upTo(open.close(), stops), SPACE, body));
        for (Way way : ways) {
            all.add(Constraint.sequence(
                    Constraint.upTo(way.mark, stops), way.rest, after(ways, marks, parallel, true)));
        }
        return Constraint.anyOf(all);
    }

    private Constraint body(
            List<ToolSchema> tools, List<Way> ways, ToolChoice choice, boolean parallel, @Nullable Constraint content) {
        List<String> marks = ways.stream().map(Way::mark).distinct().toList();
        if (!choice.isAllowed()) {
            return content != null ? wrapped(content) : Constraint.without(marks, first());
        }
        List<Constraint> all = new ArrayList<>();
        for (Form form : dialect.bare()) {
            all.add(Constraint.sequence(SPACE, new CallGrammar(tools, parallel).calls(form, 0), SPACE));
        }
        for (Way way : ways) {
            boolean carried = !begun.isEmpty() && way.mark.startsWith(begun);
            Constraint mark = carried ? Marks.of(way.mark.substring(begun.length())) : Marks.of(way.mark);
            all.add(Constraint.sequence(SPACE, mark, way.rest, after(ways, marks, parallel, !choice.isRequired())));
        }
        if (choice.isRequired()) {
            return Constraint.anyOf(all);
        }
        if (content != null) {
            all.add(wrapped(content));
        } else if (begun.isEmpty()) {
            all.add(free(ways, marks, parallel, first()));
        } else {
            for (String mark : dialect.dropped()) {
                if (mark.startsWith(begun)) {
                    all.add(Constraint.sequence(
                            Marks.of(mark.substring(begun.length())), free(ways, marks, parallel, "")));
                }
            }
        }
        return Constraint.anyOf(all);
    }

    /** What text may not begin with, as it would be a call. */
    private String first() {
        return dialect.bare().isEmpty() ? "" : "{[";
    }

    /** Text, and perhaps calls in it. */
    private static Constraint free(List<Way> ways, List<String> marks, boolean parallel, String first) {
        Constraint text = first.isEmpty() ? Constraint.without(marks) : Constraint.without(marks, first);
        if (ways.isEmpty()) {
            return text;
        }
        List<Constraint> all = new ArrayList<>(List.of(text));
        if (!first.isEmpty()) {
            return text; // the dialect's calls are answers as a whole
        }
        for (Way way : ways) {
            all.add(Constraint.sequence(
                    Constraint.upTo(way.mark, marks), way.rest, after(ways, marks, parallel, true)));
        }
        return Constraint.anyOf(all);
    }

    /** What may follow the first call. */
    private static Constraint after(List<Way> ways, List<String> marks, boolean parallel, boolean text) {
        if (!parallel) {
            return SPACE;
        }
        List<Constraint> more = new ArrayList<>();
        for (Way way : ways) {
            Constraint before =
                    text ? Constraint.upTo(way.mark, marks) : Constraint.sequence(SPACE, Marks.of(way.mark));
            more.add(Constraint.sequence(before, way.rest));
        }
        return Constraint.sequence(Constraint.anyOf(more).repeated(), text ? Constraint.without(marks) : SPACE);
    }

    /** The ways into calls: sections, where the dialect has such, else calls by what they begin with. */
    private List<Way> ways(List<ToolSchema> tools, boolean parallel) {
        CallGrammar grammar = new CallGrammar(tools, parallel);
        Map<String, List<Constraint>> byMark = new LinkedHashMap<>();
        List<Constraint> whole = new ArrayList<>();
        for (Form form : dialect.calls()) {
            String mark = Marks.first(form.trigger());
            byMark.computeIfAbsent(mark, key -> new ArrayList<>()).add(grammar.calls(form, mark.length()));
            whole.add(grammar.calls(form, 0));
        }
        List<Way> ways = new ArrayList<>();
        if (dialect.sections().isEmpty()) {
            byMark.forEach((mark, rests) -> ways.add(new Way(mark, Constraint.anyOf(rests))));
            return ways;
        }
        Constraint call = Constraint.anyOf(whole);
        Constraint calls = parallel
                ? Constraint.sequence(call, Constraint.sequence(SPACE, call).repeated())
                : call;
        for (Pair section : dialect.sections()) {
            String mark = Marks.first(section.open());
            ways.add(new Way(
                    mark,
                    Constraint.sequence(
                            Marks.of(Marks.rest(section.open())), SPACE, calls, SPACE, Marks.of(section.close()))));
        }
        return ways;
    }

    /** What follows reasoning, if there is any. */
    private Constraint afterReasoning(List<String> marks, Constraint body) {
        if (open != null) {
            return Constraint.sequence(Constraint.upTo(open.close(), marks), SPACE, body);
        }
        List<Constraint> ways = new ArrayList<>(List.of(body));
        for (Pair pair : possible) {
            ways.add(Constraint.sequence(
                    SPACE, Marks.of(pair.open()), Constraint.upTo(pair.close(), marks), SPACE, body));
        }
        return ways.size() == 1 ? body : Constraint.anyOf(ways);
    }

    /** Text with the marks around it that are no part of it. */
    private Constraint wrapped(Constraint content) {
        if (dialect.dropped().isEmpty()) {
            return content;
        }
        List<Constraint> marks = new ArrayList<>();
        for (String mark : dialect.dropped()) {
            marks.add(Marks.of(mark.startsWith(begun) ? mark.substring(begun.length()) : mark));
        }
        Constraint around = Constraint.anyOf(marks).optional();
        return Constraint.sequence(around, content, around);
    }

    @Override
    public String toString() {
        return dialect.name() + " after " + prefill;
    }
}
