package dev.nibble.chat.dialect;

import dev.nibble.chat.dialect.ToolSchema.Parameter;
import dev.nibble.constraint.Constraint;
import dev.nibble.constraint.ConstraintException;
import dev.nibble.json.JsonValues;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How calls of some tools are written in the forms of a dialect: what {@link CallReader} reads, and nothing that is not valid. */
final class CallGrammar {
    /** White space as models write it between parts, bounded so that it cannot go on for ever. */
    static final Constraint SPACE = Constraint.regex("[ \\n\\r\\t]{0,8}");

    private static final Constraint LINE = Constraint.text("\n").optional();
    private static final Constraint BEFORE_NAME =
            Constraint.regex("(\"(id|tool_call_id|type)\": ?(\"[A-Za-z0-9_.:-]{1,40}\"|[0-9]{1,9}), ?)?");

    private final List<ToolSchema> tools;
    private final boolean parallel;

    CallGrammar(List<ToolSchema> tools, boolean parallel) {
        this.tools = tools;
        this.parallel = parallel;
    }

    /**
     * A stretch of calls in a form.
     *
     * @param begun characters of the form's trigger that are written already
     */
    Constraint calls(Form form, int begun) {
        List<Constraint> ways = new ArrayList<>();
        List<String> parts = form.parts();
        for (String part : parts) {
            if (part.startsWith("%calls ") || part.equals("%keyed") || part.equals("%python")) {
                return sequence(parts, null, begun); // several tools may be called in it
            }
        }
        for (ToolSchema tool : tools) {
            ways.add(sequence(parts, tool, begun));
        }
        return Constraint.anyOf(ways);
    }

    private Constraint sequence(List<String> parts, @Nullable ToolSchema tool, int begun) {
        List<Constraint> all = new ArrayList<>();
        for (int i = 0; i < parts.size(); i++) {
            String part = parts.get(i);
            List<String> next = parts.subList(i + 1, parts.size());
            if (part.equals("%(")) {
                int close = parts.indexOf("%)");
                all.add(parameters(parts.subList(i + 1, close), named(tool)));
                i = close;
            } else if (Form.isLiteral(part)) {
                all.add(Marks.of(i == 0 ? part.substring(begun) : part));
            } else {
                all.add(special(part, next, tool));
            }
        }
        return Constraint.sequence(all.toArray(Constraint[]::new));
    }

    private static ToolSchema named(@Nullable ToolSchema tool) {
        if (tool == null) {
            throw new IllegalStateException("a form in which the tool is not known");
        }
        return tool;
    }

    private Constraint special(String part, List<String> next, @Nullable ToolSchema tool) {
        String[] words = part.replace("%", "").split(" ", -1);
        if (part.startsWith("%?")) {
            return Marks.of(part.substring(2)).optional();
        }
        return switch (words[0]) {
            case "~" -> SPACE;
            case "^" -> LINE;
            case "name" -> Constraint.text(named(tool).name);
            case "id" -> Constraint.regex(id(words, 1));
            case "functions" ->
                Constraint.sequence(
                        Constraint.text("functions." + named(tool).name + ":"), Constraint.regex("[0-9]{1,3}"));
            case "until" -> Constraint.regex("[^<\\n]{0,80}");
            case "args" -> named(tool).arguments();
            case "call" -> object(words, named(tool));
            case "calls" -> list(tools.stream().map(one -> object(words, one)).toList(), "[", "]");
            case "keyed" ->
                list(
                        tools.stream()
                                .map(one -> Constraint.sequence(
                                        Constraint.text("{"),
                                        SPACE,
                                        Constraint.text(JsonValues.write(one.name) + ":"),
                                        SPACE,
                                        one.arguments(),
                                        SPACE,
                                        Constraint.text("}")))
                                .toList(),
                        "[",
                        "]");
            case "python" -> list(tools.stream().map(CallGrammar::python).toList(), "[", "]");
            case "gemma" -> new GemmaGrammar(words[1], named(tool)).arguments();
            case "nested" -> new NestedGrammar(words[1], named(tool)).arguments();
            default ->
                throw new ConstraintException("calls of this dialect cannot be enforced: their part " + part
                        + (next.isEmpty() ? "" : " before " + next.getFirst()) + " has no grammar");
        };
    }

    private static String id(String[] words, int at) {
        return "[A-Za-z0-9" + (words.length > at ? "]{" + words[at] + "}" : "_.:-]{1,40}");
    }

    /** A call as a JSON object: name, arguments, and perhaps an id before or behind. */
    private static Constraint object(String[] words, ToolSchema tool) {
        List<Constraint> parts = new ArrayList<>(List.of(
                Constraint.text("{"),
                SPACE,
                words.length > 4 ? Constraint.text("") : BEFORE_NAME,
                Constraint.text("\"" + words[1] + "\":"),
                SPACE,
                Constraint.text(JsonValues.write(tool.name) + ","),
                SPACE,
                Constraint.text("\"" + words[2] + "\":"),
                SPACE,
                tool.arguments()));
        if (words.length > 3) {
            Constraint id = Constraint.sequence(
                    Constraint.text(","),
                    SPACE,
                    Constraint.text("\"" + words[3] + "\":"),
                    SPACE,
                    Constraint.regex("\"" + id(words, 4) + "\""));
            parts.add(words.length > 4 ? id : id.optional());
        }
        parts.add(SPACE);
        parts.add(Constraint.text("}"));
        return Constraint.sequence(parts.toArray(Constraint[]::new));
    }

    private Constraint list(List<Constraint> calls, String open, String close) {
        Constraint one = Constraint.anyOf(calls);
        Constraint more =
                Constraint.sequence(SPACE, Constraint.text(","), SPACE, one).repeated();
        return Constraint.sequence(
                Constraint.text(open),
                SPACE,
                one,
                parallel ? more : Constraint.text(""),
                SPACE,
                Constraint.text(close));
    }

    /** Each parameter between marks of its own, in the order of the schema. */
    private static Constraint parameters(List<String> parts, ToolSchema tool) {
        List<Constraint> all = new ArrayList<>();
        for (Parameter parameter : tool.parameters()) {
            Constraint one = parameter(parts, tool, parameter);
            all.add(parameter.required() ? one : one.optional());
        }
        return all.isEmpty() ? Constraint.text("") : Constraint.sequence(all.toArray(Constraint[]::new));
    }

    private static Constraint parameter(List<String> parts, ToolSchema tool, Parameter parameter) {
        int value = parts.indexOf("%value");
        int stop = value + 1;
        while (!Form.isLiteral(parts.get(stop))) {
            stop++;
        }
        Constraint text = tool.unquoted(parameter, Marks.first(parts.get(stop)));
        List<Constraint> all = new ArrayList<>();
        for (int i = 0; i < parts.size(); i++) {
            String part = parts.get(i);
            if (part.equals("%value")) {
                if (text != null) {
                    // The line end before the mark may be part of the text.
                    all.add(Constraint.sequence(text, Marks.of(Marks.rest(parts.get(stop)))));
                    i = stop;
                } else {
                    all.add(tool.json(parameter));
                }
            } else if (part.equals("%key")) {
                all.add(Constraint.text(parameter.key()));
            } else if (part.equals("%type")) {
                all.add(Constraint.regex(
                        text != null ? "true|string" : "false|number|integer|boolean|object|array|null"));
            } else if (Form.isLiteral(part)) {
                all.add(Marks.of(part));
            } else {
                all.add(part.equals("^") ? LINE : SPACE);
            }
        }
        return Constraint.sequence(all.toArray(Constraint[]::new));
    }

    /** A call as in Python, with named arguments in the order of the schema. */
    private static Constraint python(ToolSchema tool) {
        List<Constraint> all = new ArrayList<>(List.of(Constraint.text(tool.name + "(")));
        all.add(listed(
                tool.parameters(),
                parameter -> Constraint.sequence(Constraint.text(parameter.key() + "="), pythonValue(tool, parameter)),
                ", "));
        all.add(Constraint.text(")"));
        return Constraint.sequence(all.toArray(Constraint[]::new));
    }

    private static Constraint pythonValue(ToolSchema tool, Parameter parameter) {
        List<Constraint> ways = new ArrayList<>(List.of(tool.json(parameter)));
        String[] words = {"true", "True", "false", "False", "null", "None"};
        for (int i = 0; i < words.length; i += 2) {
            if (tool.accepts(parameter, words[i])) {
                ways.add(Constraint.text(words[i + 1]));
            }
        }
        return Constraint.anyOf(ways);
    }

    interface Writer {
        Constraint write(Parameter parameter);
    }

    /** Parameters with something between them: the required ones, and any of the others. */
    static Constraint listed(List<Parameter> parameters, Writer writer, String separator) {
        // From behind: what may follow where nothing has been written, and where something has.
        Constraint first = Constraint.text("");
        Constraint later = Constraint.text("");
        for (Parameter parameter : parameters.reversed()) {
            Constraint one = writer.write(parameter);
            Constraint written = Constraint.sequence(one, later);
            Constraint joined = Constraint.sequence(Constraint.text(separator), written);
            first = parameter.required() ? written : Constraint.anyOf(List.of(written, first));
            later = parameter.required() ? joined : Constraint.anyOf(List.of(joined, later));
        }
        return first;
    }
}
