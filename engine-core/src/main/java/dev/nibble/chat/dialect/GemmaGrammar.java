package dev.nibble.chat.dialect;

import dev.nibble.chat.dialect.ToolSchema.Parameter;
import dev.nibble.constraint.Constraint;
import dev.nibble.json.JsonValues;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Arguments as {@link GemmaArguments} reads them: bare keys in alphabetical order, and strings between two marks. */
final class GemmaGrammar {
    private static final int MAX_DEPTH = 16;

    private final String quote;
    private final ToolSchema tool;

    GemmaGrammar(String quote, ToolSchema tool) {
        this.quote = quote;
        this.tool = tool;
    }

    /** All arguments. */
    Constraint arguments() {
        return object(tool, 0);
    }

    private Constraint object(ToolSchema object, int depth) {
        List<Parameter> sorted = object.parameters().stream()
                .sorted(Comparator.comparing(Parameter::key))
                .toList();
        return Constraint.sequence(
                Constraint.text("{"),
                CallGrammar.listed(
                        sorted,
                        parameter -> Constraint.sequence(
                                Constraint.text(parameter.key() + ":"), value(object, parameter, depth)),
                        ","),
                Constraint.text("}"));
    }

    private Constraint value(ToolSchema object, Parameter parameter, int depth) {
        if (depth > MAX_DEPTH || !(parameter.schema() instanceof Map<?, ?> schema)) {
            throw tool.refused("the parameter " + parameter.key() + " cannot be enforced in this dialect");
        }
        Object type = schema.get("type");
        List<Constraint> ways = new ArrayList<>();
        Constraint text = object.unquoted(parameter, quote);
        if (text != null) {
            ways.add(Constraint.sequence(Constraint.mark(quote), text));
        }
        if ("object".equals(type)) {
            ways.add(object(new ToolSchema(object.name, JsonValues.write(schema)), depth + 1));
        } else if ("array".equals(type)) {
            ways.add(array(object, parameter, schema, depth));
        } else if (!"string".equals(type)) {
            Map<String, Object> plain = new LinkedHashMap<>();
            plain.put("type", List.of("number", "boolean", "null"));
            Object both = Map.of("allOf", List.of(schema, plain));
            if (type == null && text != null) {
                throw tool.refused("the parameter " + parameter.key()
                        + " has no type, which cannot be enforced in this dialect; give it one");
            }
            ways.add(object.json(new Parameter(parameter.key(), both, true)));
        }
        return Constraint.anyOf(ways);
    }

    private Constraint array(ToolSchema object, Parameter parameter, Map<?, ?> schema, int depth) {
        Object items = schema.get("items");
        boolean plain = schema.keySet().stream()
                .allMatch(keyword -> List.of("type", "items", "description", "title", "default", "$defs", "definitions")
                        .contains(keyword));
        if (!plain || items == null) {
            throw tool.refused("the items of the parameter " + parameter.key() + " cannot be enforced in this dialect");
        }
        Constraint item = value(object, new Parameter(parameter.key(), items, true), depth + 1);
        Constraint more = Constraint.sequence(Constraint.text(","), item).repeated();
        return Constraint.sequence(
                Constraint.text("["), Constraint.sequence(item, more).optional(), Constraint.text("]"));
    }
}
