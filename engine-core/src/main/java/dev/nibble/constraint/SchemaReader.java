package dev.nibble.constraint;

import dev.nibble.constraint.ObjectShape.Layer;
import dev.nibble.constraint.ObjectShape.PatternNode;
import dev.nibble.constraint.SchemaNode.Part;
import dev.nibble.constraint.SchemaNode.Source;
import dev.nibble.json.JsonValues;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Works schemas out into {@link Shape}s (JSON Schema 2020-12, and what drafts 7 and 2019-09 write otherwise). A keyword is
 * enforced, says nothing about values, or is refused by its name and place.
 */
final class SchemaReader {
    /** Alternatives of one schema at the most: each is a way that is followed at the same time. */
    private static final int MAX_SHAPES = 600;
    /** States of the automaton of a string at the most. */
    private static final int MAX_STATES = 15_000;

    private static final Set<String> ANNOTATIONS = Set.of(
            "title",
            "description",
            "default",
            "examples",
            "example",
            "$comment",
            "deprecated",
            "readOnly",
            "writeOnly",
            "$schema",
            "$id",
            "$anchor",
            "$defs",
            "definitions",
            "$vocabulary",
            "contentEncoding",
            "contentMediaType",
            "contentSchema",
            "then",
            "else",
            "minContains",
            "maxContains",
            "additionalItems");

    private static final Set<String> DIRECT = Set.of(
            "type",
            "enum",
            "const",
            "minimum",
            "maximum",
            "exclusiveMinimum",
            "exclusiveMaximum",
            "multipleOf",
            "minLength",
            "maxLength",
            "pattern",
            "format",
            "prefixItems",
            "items",
            "minItems",
            "maxItems",
            "uniqueItems",
            "contains",
            "properties",
            "patternProperties",
            "additionalProperties",
            "required",
            "minProperties",
            "maxProperties",
            "propertyNames");

    private final Exprs exprs;
    private final Object root;
    private final Map<String, Source> sources = new HashMap<>();
    private final Map<SchemaNode, List<Shape>> shapes = new HashMap<>();
    private final Set<SchemaNode> working = new HashSet<>();
    private final Map<Expr, Expr> determined = new HashMap<>();
    private final SchemaComplement complement = new SchemaComplement(this);
    private final ShapeValues values = new ShapeValues(this);
    private @Nullable SchemaNode forbidden;

    SchemaReader(Exprs exprs, Object root) {
        this.exprs = exprs;
        this.root = root;
    }

    Exprs exprs() {
        return exprs;
    }

    /** Whether values have shapes. */
    ShapeValues values() {
        return values;
    }

    /** Whether the alternatives of a node are being worked out. */
    boolean isOpen(SchemaNode node) {
        return working.contains(node);
    }

    SchemaNode root() {
        return SchemaNode.of(source("#", root));
    }

    /** A node that nothing satisfies. */
    SchemaNode nothing() {
        if (forbidden == null) {
            forbidden = SchemaNode.of(source("#false", false));
        }
        return forbidden;
    }

    private Source source(String pointer, Object value) {
        return sources.computeIfAbsent(pointer, key -> new Source(key, value));
    }

    /** The alternatives of what a node allows; none if it allows nothing, as far as can be seen without its parts. */
    List<Shape> shapes(SchemaNode node) {
        List<Shape> known = shapes.get(node);
        if (known != null) {
            return known;
        }
        if (!working.add(node)) {
            Part part = node.parts().iterator().next();
            throw refused(part.source().pointer(), "$ref", "the schema refers to itself and to nothing else");
        }
        List<Shape> result = List.of(Shape.ANY);
        for (Part part : node.parts()) {
            List<Shape> parts = read(part.source());
            result = and(
                    result, part.negated() ? complement.of(parts, part.source().pointer()) : parts, part.source());
        }
        working.remove(node);
        shapes.put(node, result);
        return result;
    }

    private List<Shape> and(List<Shape> first, List<Shape> second, Source at) {
        List<Shape> both = new ArrayList<>();
        for (Shape a : first) {
            for (Shape b : second) {
                Shape shape = a.and(b, exprs, this::matches);
                if (!shape.isNone()
                        && (shape.values() == null || !shape.values().isEmpty())) {
                    both.add(shape);
                }
            }
        }
        if (both.size() > MAX_SHAPES) {
            throw refused(at.pointer(), "anyOf", "more than " + MAX_SHAPES + " combinations of alternatives");
        }
        return both;
    }

    private List<Shape> read(Source source) {
        if (source.value() instanceof Boolean allowed) {
            return allowed ? List.of(Shape.ANY) : List.of();
        }
        if (!(source.value() instanceof Map<?, ?> schema)) {
            throw refused(source.pointer(), "schema", "a schema is an object or a boolean");
        }
        List<Shape> result = List.of(Shape.ANY);
        boolean direct = false;
        for (Object key : schema.keySet()) {
            String keyword = (String) key;
            Object value = schema.get(key);
            String pointer = child(source.pointer(), keyword);
            if (DIRECT.contains(keyword)) {
                if (!direct) {
                    direct = true;
                    result = and(result, List.of(new KeywordReader(this, source, schema).read()), source);
                }
                continue;
            }
            switch (keyword) {
                case "$ref" -> result = and(result, shapes(SchemaNode.of(target(value, pointer))), source);
                case "allOf" -> {
                    for (SchemaNode node : nodes(value, pointer)) {
                        result = and(result, shapes(node), source);
                    }
                }
                case "anyOf" -> {
                    List<Shape> any = new ArrayList<>();
                    nodes(value, pointer).forEach(node -> any.addAll(shapes(node)));
                    result = and(result, any, source);
                }
                case "oneOf" -> result = and(result, oneOf(nodes(value, pointer), pointer), source);
                case "not" ->
                    result = and(result, complement.of(shapes(SchemaNode.of(source(pointer, value))), pointer), source);
                case "if" -> result = and(result, conditional(schema, source), source);
                case "dependentRequired", "dependentSchemas", "dependencies" -> {
                    for (Map.Entry<String, Object> entry :
                            object(value, pointer).entrySet()) {
                        result = and(result, dependent(entry.getKey(), entry.getValue(), pointer), source);
                    }
                }
                default -> {
                    if (!ANNOTATIONS.contains(keyword) && !keyword.startsWith("x-")) {
                        throw refused(source.pointer(), keyword, "this keyword is not supported");
                    }
                }
            }
        }
        return result;
    }

    private List<Shape> oneOf(List<SchemaNode> nodes, String pointer) {
        List<Shape> result = new ArrayList<>();
        for (int i = 0; i < nodes.size(); i++) {
            List<Shape> only = shapes(nodes.get(i));
            for (int j = 0; j < nodes.size(); j++) {
                if (i != j && !values.areDisjoint(only, shapes(nodes.get(j)))) {
                    only = and(only, complement.of(shapes(nodes.get(j)), pointer), source(pointer, nodes));
                }
            }
            result.addAll(only);
        }
        return result;
    }

    private List<Shape> conditional(Map<?, ?> schema, Source source) {
        List<Shape> condition = shapes(subschema(schema, "if", source));
        List<Shape> result = new ArrayList<>();
        result.addAll(
                schema.containsKey("then")
                        ? and(condition, shapes(subschema(schema, "then", source)), source)
                        : condition);
        List<Shape> otherwise = complement.of(condition, child(source.pointer(), "if"));
        result.addAll(
                schema.containsKey("else")
                        ? and(otherwise, shapes(subschema(schema, "else", source)), source)
                        : otherwise);
        return result;
    }

    private SchemaNode subschema(Map<?, ?> schema, String keyword, Source source) {
        Object value = schema.get(keyword);
        if (value == null) {
            throw new IllegalStateException("there is no " + keyword);
        }
        return SchemaNode.of(source(child(source.pointer(), keyword), value));
    }

    /** Objects without a member, or with it and what depends on it. */
    private List<Shape> dependent(String name, Object value, String pointer) {
        List<Shape> result = new ArrayList<>();
        result.add(Shape.ANY.withObjects(without(name)));
        List<Shape> present = List.of(Shape.NONE.withObjects(with(List.of(name))));
        if (value instanceof List<?> names) {
            present = List.of(Shape.NONE.withObjects(
                    with(strings(names, pointer)).and(with(List.of(name)), exprs, this::matches)));
        } else {
            Source target = source(child(pointer, name), value);
            present = and(present, shapes(SchemaNode.of(target)), target);
        }
        result.addAll(present);
        return result;
    }

    /** Objects that lack a member. */
    ObjectShape without(String name) {
        return new ObjectShape(Map.of(name, nothing()), List.of(), Set.of(), 0, Expr.UNBOUNDED, null);
    }

    /** Objects that have members. */
    ObjectShape with(List<String> names) {
        return new ObjectShape(Map.of(), List.of(), new LinkedHashSet<>(names), 0, Expr.UNBOUNDED, null);
    }

    SchemaNode node(Object value, String pointer) {
        return Boolean.TRUE.equals(value) || value instanceof Map<?, ?> map && map.isEmpty()
                ? SchemaNode.ANY
                : SchemaNode.of(source(pointer, value));
    }

    List<SchemaNode> nodes(Object value, String pointer) {
        if (!(value instanceof List<?> list)) {
            throw malformed(pointer, "an array of schemas");
        }
        List<SchemaNode> nodes = new ArrayList<>();
        for (int i = 0; i < list.size(); i++) {
            nodes.add(node(list.get(i), pointer + "/" + i));
        }
        return nodes;
    }

    /** The schema that a reference within the same text points to. */
    private Source target(Object reference, String pointer) {
        if (!(reference instanceof String text) || !text.startsWith("#")) {
            throw refused(pointer, "$ref", "only references within the schema are supported, not " + reference);
        }
        if (text.length() > 1 && text.charAt(1) != '/') {
            throw refused(pointer, "$ref", "anchors are not supported: " + text);
        }
        Object at = root;
        String path = "#";
        if (text.length() > 1) {
            for (String step : text.substring(2).split("/", -1)) {
                String name = URLDecoder.decode(step.replace("+", "%2B"), StandardCharsets.UTF_8)
                        .replace("~1", "/")
                        .replace("~0", "~");
                Object next = at instanceof Map<?, ?> map
                        ? map.get(name)
                        : at instanceof List<?> list && name.matches("\\d{1,6}") && Integer.parseInt(name) < list.size()
                                ? list.get(Integer.parseInt(name))
                                : null;
                if (next == null) {
                    throw refused(pointer, "$ref", "there is nothing at " + text);
                }
                at = next;
                path = child(path, name);
            }
        }
        return source(path, at);
    }

    /** Whether a name or string is one of a language that is spelled as in JSON. */
    boolean matches(Expr language, String text) {
        Expr at = determined(language);
        String quoted = JsonValues.write(text);
        for (byte b : quoted.substring(1, quoted.length() - 1).getBytes(StandardCharsets.UTF_8)) {
            at = at.next()[b & 0xFF];
        }
        return at.nullable;
    }

    /** A language without intersections and complements, in which each state leads to an end. */
    Expr determined(Expr language) {
        return determined.computeIfAbsent(language, key -> Automaton.determine(exprs, key, MAX_STATES));
    }

    /** What may stand between the quotes of strings. */
    Expr content(StringShape strings) {
        Expr any = Characters.JSON.spell(exprs, CodePointSet.ALL);
        if (strings.min() > strings.max()) {
            return exprs.nothing;
        }
        Expr counted = exprs.repeat(any, strings.min(), strings.max());
        Expr language = strings.language();
        if (language == null) {
            return counted;
        }
        if (strings.min() == 0 && strings.max() == Expr.UNBOUNDED) {
            return determined(language);
        }
        if (language.kind == Expr.Kind.REPEAT && isOneCharacter(language.parts[0])) {
            int least = Math.max(strings.min(), language.min);
            int most = Math.min(strings.max(), language.max);
            return least > most ? exprs.nothing : exprs.repeat(determined(language.parts[0]), least, most);
        }
        return determined(exprs.and(determined(language), counted));
    }

    /** Whether each text of a language is a single character, so that counting the texts counts the characters. */
    private boolean isOneCharacter(Expr language) {
        Expr any = Characters.JSON.spell(exprs, CodePointSet.ALL);
        return language.kind != Expr.Kind.REPEAT
                && language.kind != Expr.Kind.AND
                && determined(exprs.and(language, exprs.not(any))).isNothing();
    }

    Map<String, Object> object(Object value, String pointer) {
        if (!(value instanceof Map<?, ?> map)) {
            throw malformed(pointer, "an object");
        }
        Map<String, Object> object = new LinkedHashMap<>();
        map.forEach((key, member) -> object.put((String) key, member));
        return object;
    }

    List<String> strings(Object value, String pointer) {
        if (!(value instanceof List<?> list) || !list.stream().allMatch(item -> item instanceof String)) {
            throw malformed(pointer, "an array of strings");
        }
        return list.stream().map(item -> (String) item).toList();
    }

    static String child(String pointer, String name) {
        return pointer + "/" + name.replace("~", "~0").replace("/", "~1");
    }

    ConstraintException malformed(String pointer, String expected) {
        return new ConstraintException(
                "the schema is not well-formed at " + pointer + ": " + expected + " is expected");
    }

    static ConstraintException refused(String pointer, String keyword, String why) {
        return new ConstraintException(
                "the schema cannot be enforced at " + pointer + ", keyword " + keyword + ": " + why);
    }

    /** A layer of one schema. */
    static Layer layer(List<PatternNode> patterns, SchemaNode additional) {
        return new Layer(List.copyOf(patterns), additional);
    }
}
