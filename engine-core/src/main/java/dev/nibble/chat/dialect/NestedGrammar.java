package dev.nibble.chat.dialect;

import dev.nibble.chat.dialect.ToolSchema.Parameter;
import dev.nibble.constraint.Constraint;
import dev.nibble.json.JsonValues;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Arguments as {@link NestedTags} reads them: a tag for each, with tags within it for the parts of lists and objects. What could
 * not be read back as it was meant is refused: a string within others, which nothing tells from a number or a word.
 */
final class NestedGrammar {
    private static final int MAX_DEPTH = 16;

    private final String mark;
    private final ToolSchema tool;

    NestedGrammar(String mark, ToolSchema tool) {
        this.mark = mark;
        this.tool = tool;
    }

    /** All arguments. */
    Constraint arguments() {
        return members(tool, 0);
    }

    private Constraint members(ToolSchema object, int depth) {
        List<Constraint> all = new ArrayList<>(List.of(Constraint.text("")));
        for (Parameter parameter : object.parameters()) {
            Constraint one = tag(parameter.key(), value(object, parameter, depth), parameter.key());
            all.add(parameter.required() ? one : one.optional());
        }
        return Constraint.sequence(all.toArray(Constraint[]::new));
    }

    /** A tag; what it holds goes up to the mark before its end, and includes it. */
    private Constraint tag(String name, Constraint upToMark, String closed) {
        return Constraint.sequence(
                Marks.of(mark + "<" + name + ">"), upToMark, Constraint.text("</" + closed + ">"), CallGrammar.SPACE);
    }

    private Constraint value(ToolSchema object, Parameter parameter, int depth) {
        if (depth > MAX_DEPTH || !(parameter.schema() instanceof Map<?, ?> schema)) {
            throw refused(parameter, "cannot be enforced in this dialect");
        }
        Constraint text = object.unquoted(parameter, mark);
        if (text != null) {
            if (depth > 0) {
                throw refused(parameter, "holds strings within others, which this dialect cannot tell from numbers");
            }
            return text;
        }
        Object type = schema.get("type");
        if ("object".equals(type)) {
            ToolSchema inner = new ToolSchema(object.name, JsonValues.write(schema));
            if (inner.parameters().stream().noneMatch(Parameter::required)) {
                throw refused(parameter, "may be an empty object, which this dialect cannot write");
            }
            return Constraint.sequence(CallGrammar.SPACE, members(inner, depth + 1), Marks.of(mark));
        }
        if ("array".equals(type)) {
            return Constraint.sequence(CallGrammar.SPACE, items(object, parameter, schema, depth), Marks.of(mark));
        }
        Map<String, Object> plain = new LinkedHashMap<>();
        plain.put("type", List.of("number", "boolean", "null"));
        Object both = Map.of("allOf", List.of(schema, plain));
        return Constraint.sequence(object.json(new Parameter(parameter.key(), both, true)), Marks.of(mark));
    }

    /** One item or more: of none there would be nothing to see. */
    private Constraint items(ToolSchema object, Parameter parameter, Map<?, ?> schema, int depth) {
        Object items = schema.get("items");
        boolean plain = schema.keySet().stream()
                .allMatch(keyword -> List.of("type", "items", "description", "title", "default", "$defs", "definitions")
                        .contains(keyword));
        if (!plain || items == null) {
            throw refused(parameter, "has items that cannot be enforced in this dialect");
        }
        Constraint item = tag("item", value(object, new Parameter(parameter.key(), items, true), depth + 1), "item");
        return Constraint.sequence(item, item.repeated());
    }

    private RuntimeException refused(Parameter parameter, String why) {
        return tool.refused("the parameter " + parameter.key() + " " + why);
    }
}
