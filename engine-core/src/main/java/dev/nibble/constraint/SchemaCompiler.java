package dev.nibble.constraint;

import dev.nibble.constraint.ObjectPlan.Member;
import dev.nibble.constraint.ObjectPlan.Others;
import dev.nibble.constraint.ObjectShape.Layer;
import dev.nibble.constraint.ObjectShape.PatternNode;
import dev.nibble.json.JsonReader;
import dev.nibble.json.JsonValues;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Makes the texts of a schema: works out all its parts, finds those that no value satisfies, leaves these out, and writes
 * the rest as rules.
 */
final class SchemaCompiler {
    /** Parts of a schema at the most. */
    private static final int MAX_NODES = 20_000;
    /** Patterns of names in one object at the most: each combination is told apart. */
    private static final int MAX_PATTERNS = 6;
    /** Values that are told apart where no two items may be equal, at the most. */
    private static final int MAX_UNIQUE = 12;
    /** What one array has to contain, at the most: each combination is told apart. */
    private static final int MAX_CONTAINS = 6;
    /** Items that have to be there beside something to be contained, at the most: they are counted one by one. */
    private static final int MAX_NEEDED = 500;
    /** Combinations of numbers of items at the most. */
    private static final int MAX_COUNTS = 50_000;
    /** States of the automaton of undeclared names at the most. */
    private static final int MAX_NAME_STATES = 15_000;

    /** One alternative of a node, ready to be written. */
    private record Plan(
            Shape shape,
            @Nullable ObjectPlan objects,
            @Nullable ArrayPlan arrays) {}

    private final Exprs exprs;
    private final JsonTexts texts;
    private final SchemaReader reader;
    private final Map<SchemaNode, List<Plan>> plans = new LinkedHashMap<>();
    private final Map<SchemaNode, Rule> rules = new HashMap<>();
    private final Set<SchemaNode> satisfiable = new LinkedHashSet<>();
    private final Set<SchemaNode> open = new LinkedHashSet<>();

    private SchemaCompiler(Exprs exprs, Object schema, boolean spaced) {
        this.exprs = exprs;
        texts = JsonTexts.of(spaced);
        reader = new SchemaReader(exprs, schema);
    }

    /**
     * The texts of the values that a schema allows.
     *
     * @param spaced whether a space may follow commas and colons
     * @throws ConstraintException if the schema is not well-formed, cannot be enforced, or no value satisfies it
     */
    static Expr compile(Exprs exprs, Object schema, boolean spaced) {
        return new SchemaCompiler(exprs, schema, spaced).compile();
    }

    private Expr compile() {
        SchemaNode root = reader.root();
        request(root);
        while (!open.isEmpty()) {
            SchemaNode node = open.iterator().next();
            open.remove(node);
            List<Plan> alternatives = new ArrayList<>();
            plans.put(node, alternatives);
            for (Shape shape : reader.shapes(node)) {
                alternatives.add(plan(shape, node));
            }
        }
        findSatisfiable();
        if (!satisfiable.contains(root)) {
            throw new ConstraintException("the schema is unsatisfiable: no value can satisfy it");
        }
        // Texts of nodes first, as calls of rules; then the rules, which hold them.
        for (List<Plan> alternatives : plans.values()) {
            alternatives.forEach(this::complete);
        }
        for (SchemaNode node : satisfiable) {
            rule(node).define(body(node));
        }
        return text(root);
    }

    private void request(SchemaNode node) {
        if (!node.parts().isEmpty() && !plans.containsKey(node) && !open.contains(node)) {
            if (plans.size() + open.size() >= MAX_NODES) {
                throw new ConstraintException("the schema is too large: it has more than " + MAX_NODES + " parts");
            }
            open.add(node);
        }
    }

    private Plan plan(Shape shape, SchemaNode node) {
        if (shape.values() != null) {
            Shape types = shape.withValues(null);
            List<Object> allowed = shape.values().stream()
                    .filter(value -> reader.values().accepts(types, value))
                    .toList();
            return new Plan(shape.withValues(allowed), null, null);
        }
        ObjectShape objects = shape.objects();
        ArrayShape arrays = shape.arrays();
        return new Plan(
                shape,
                objects == null || objects.equals(ObjectShape.ANY) ? null : plan(objects, node),
                arrays == null || arrays.equals(ArrayShape.ANY) ? null : plan(arrays, node));
    }

    private ObjectPlan plan(ObjectShape shape, SchemaNode node) {
        Expr names = shape.names();
        Set<String> order = new LinkedHashSet<>(shape.properties().keySet());
        order.addAll(shape.required());
        List<Member> members = new ArrayList<>();
        for (String name : order) {
            boolean nameable = names == null || reader.matches(names, name);
            SchemaNode value = nameable ? shape.value(name, reader::matches) : reader.nothing();
            request(value);
            members.add(new Member(name, value, shape.required().contains(name)));
        }
        List<Others> others = others(shape, order, node);
        others.forEach(other -> request(other.node));
        return new ObjectPlan(members, others, shape.min(), shape.max(), texts);
    }

    /** Undeclared names, by which patterns they match. */
    private List<Others> others(ObjectShape shape, Set<String> declared, SchemaNode node) {
        List<PatternNode> patterns = shape.layers().stream()
                .flatMap(layer -> layer.patterns().stream())
                .distinct()
                .toList();
        if (patterns.size() > MAX_PATTERNS) {
            throw SchemaReader.refused(
                    node.parts().iterator().next().source().pointer(),
                    "patternProperties",
                    "more than " + MAX_PATTERNS + " patterns for the names of one object");
        }
        Expr any = exprs.star(Characters.JSON.spell(exprs, CodePointSet.ALL));
        List<Others> others = new ArrayList<>();
        for (int matched = 0; matched < 1 << patterns.size(); matched++) {
            SchemaNode value = SchemaNode.ANY;
            List<Expr> all = new ArrayList<>();
            all.add(any);
            for (Layer layer : shape.layers()) {
                SchemaNode ofLayer = SchemaNode.ANY;
                boolean isMatched = false;
                for (PatternNode pattern : layer.patterns()) {
                    if ((matched >> patterns.indexOf(pattern) & 1) != 0) {
                        ofLayer = ofLayer.and(pattern.node());
                        isMatched = true;
                    }
                }
                value = value.and(isMatched ? ofLayer : layer.additional());
            }
            if (reader.shapes(value).isEmpty()) {
                continue;
            }
            for (int i = 0; i < patterns.size(); i++) {
                Expr language = reader.determined(patterns.get(i).names());
                all.add((matched >> i & 1) != 0 ? language : exprs.not(language));
            }
            if (shape.names() != null) {
                all.add(shape.names());
            }
            if (!declared.isEmpty()) {
                all.add(exprs.not(Characters.JSON.choices(exprs, declared)));
            }
            Expr names = all.size() == 1
                    ? any
                    : Automaton.determine(exprs, exprs.and(all.toArray(Expr[]::new)), MAX_NAME_STATES);
            if (!names.isNothing()) {
                others.add(new Others(names, value));
            }
        }
        return others;
    }

    private ArrayPlan plan(ArrayShape shape, SchemaNode node) {
        List<List<Object>> values = null;
        String pointer = node.parts().iterator().next().source().pointer();
        checkCounts(shape, pointer);
        if (shape.unique() && shape.max() > 1) {
            if (!shape.contains().isEmpty()) {
                throw SchemaReader.refused(pointer, "uniqueItems", "it is not supported beside contains");
            }
            values = new ArrayList<>();
            for (int place = 0; place <= Math.min(shape.prefix().size(), shape.max() - 1); place++) {
                List<Object> finite = finite(shape.item(place));
                if (finite == null || finite.size() > MAX_UNIQUE) {
                    throw SchemaReader.refused(
                            pointer,
                            "uniqueItems",
                            "only items of at most " + MAX_UNIQUE + " values given by enum or const can be told apart");
                }
                values.add(finite);
            }
        }
        ArrayPlan plan = new ArrayPlan(shape, values, texts);
        if (values == null) {
            plan.variants.forEach(kinds -> kinds.forEach(kind -> request(kind.node())));
        }
        return plan;
    }

    /** Refuses more combinations of numbers of items than can be told apart. */
    private static void checkCounts(ArrayShape shape, String pointer) {
        if (shape.contains().isEmpty()) {
            return;
        }
        int index = shape.max() == Expr.UNBOUNDED
                ? Math.max(shape.min(), shape.prefix().size() + 1)
                : shape.max();
        double combinations = 1.0 + index;
        long needed = shape.min();
        for (ArrayShape.Contains contains : shape.contains()) {
            needed += contains.min();
            combinations *= 1.0 + (contains.max() == Expr.UNBOUNDED ? contains.min() : contains.max());
        }
        if (needed > MAX_NEEDED || combinations > MAX_COUNTS || shape.contains().size() > MAX_CONTAINS) {
            throw SchemaReader.refused(
                    pointer,
                    "contains",
                    "too many items would have to be counted; make minContains, maxContains and the numbers of items smaller");
        }
    }

    /** The values that a node allows, if it names them; else null. */
    private @Nullable List<Object> finite(SchemaNode node) {
        List<Object> all = new ArrayList<>();
        for (Shape shape : reader.shapes(node)) {
            List<Object> values = shape.values();
            if (values == null
                    && shape.numbers() == null
                    && shape.strings() == null
                    && shape.arrays() == null
                    && shape.objects() == null) {
                values = List.of(JsonReader.NULL, false, true);
            }
            if (values == null) {
                return null;
            }
            values.stream()
                    .filter(value -> reader.values().accepts(shape, value)
                            && all.stream().noneMatch(known -> JsonValues.same(known, value)))
                    .forEach(all::add);
        }
        return all;
    }

    /** Finds the nodes that some value satisfies: first those without parts, then those whose parts are found. */
    private void findSatisfiable() {
        // Parts were met after what they are parts of.
        List<SchemaNode> left = new ArrayList<>(plans.keySet()).reversed();
        boolean grown = true;
        while (grown) {
            List<SchemaNode> later = new ArrayList<>();
            for (SchemaNode node : left) {
                if (plans.getOrDefault(node, List.of()).stream().anyMatch(this::isSatisfiable)) {
                    satisfiable.add(node);
                } else {
                    later.add(node);
                }
            }
            grown = later.size() < left.size();
            left = later;
        }
    }

    private boolean isUsable(SchemaNode node) {
        return node.parts().isEmpty() || satisfiable.contains(node);
    }

    private boolean isSatisfiable(Plan plan) {
        Shape shape = plan.shape;
        if (shape.values() != null) {
            return !shape.values().isEmpty();
        }
        return shape.nulls()
                || shape.booleans() != 0
                || shape.numbers() != null
                        && !JsonTexts.number(exprs, shape.numbers()).isNothing()
                || shape.strings() != null && !string(shape.strings()).isNothing()
                || shape.objects() != null && (plan.objects == null || isSatisfiable(plan.objects))
                || shape.arrays() != null && (plan.arrays == null || isSatisfiable(plan.arrays));
    }

    private boolean isSatisfiable(ObjectPlan objects) {
        objects.members.forEach(member -> member.usable = isUsable(member.node));
        objects.others.forEach(other -> other.usable = isUsable(other.node));
        return objects.isSatisfiable();
    }

    private boolean isSatisfiable(ArrayPlan arrays) {
        arrays.variants.forEach(kinds -> kinds.forEach(kind -> {
            if (isUsable(kind.node())) {
                arrays.use(kind.node(), exprs.empty);
            }
        }));
        return arrays.isSatisfiable();
    }

    private void complete(Plan plan) {
        if (plan.objects != null && isSatisfiable(plan.objects)) {
            plan.objects.complete(
                    plan.objects.members.stream()
                            .map(member -> member.usable ? text(member.node) : exprs.nothing)
                            .toList(),
                    plan.objects.others.stream()
                            .map(other -> other.usable ? text(other.node) : exprs.nothing)
                            .toList());
        }
        if (plan.arrays != null) {
            plan.arrays.variants.forEach(kinds -> kinds.forEach(kind -> {
                if (isUsable(kind.node())) {
                    plan.arrays.use(kind.node(), text(kind.node()));
                }
            }));
        }
    }

    /** The texts of the values of a node: a call, but for those without strings, numbers and parts. */
    private Expr text(SchemaNode node) {
        if (node.parts().isEmpty()) {
            return texts.value(exprs);
        }
        boolean flat = plans.getOrDefault(node, List.of()).stream()
                .allMatch(plan -> plan.shape.values() != null
                        || plan.shape.numbers() == null
                                && plan.shape.strings() == null
                                && plan.shape.arrays() == null
                                && plan.shape.objects() == null);
        return flat ? body(node) : exprs.call(rule(node));
    }

    private Rule rule(SchemaNode node) {
        return rules.computeIfAbsent(
                node, key -> new Rule(key.parts().iterator().next().source().pointer()));
    }

    private Expr body(SchemaNode node) {
        List<Expr> ways = new ArrayList<>();
        for (Plan plan : plans.getOrDefault(node, List.of())) {
            Shape shape = plan.shape;
            List<Object> values = shape.values();
            if (values != null) {
                ways.add(texts.choices(exprs, values));
                continue;
            }
            if (shape.nulls()) {
                ways.add(exprs.literal("null"));
            }
            if ((shape.booleans() & 1) != 0) {
                ways.add(exprs.literal("false"));
            }
            if ((shape.booleans() & 2) != 0) {
                ways.add(exprs.literal("true"));
            }
            if (shape.numbers() != null) {
                ways.add(JsonTexts.number(exprs, shape.numbers()));
            }
            if (shape.strings() != null) {
                ways.add(string(shape.strings()));
            }
            if (shape.objects() != null && plan.objects == null) {
                ways.add(texts.object(exprs));
            } else if (plan.objects != null && isSatisfiable(plan.objects)) {
                ways.add(plan.objects.text(exprs));
            }
            if (shape.arrays() != null && plan.arrays == null) {
                ways.add(texts.array(exprs));
            } else if (plan.arrays != null && plan.arrays.isSatisfiable()) {
                ways.add(plan.arrays.text(exprs));
            }
        }
        return exprs.alternative(ways);
    }

    private Expr string(StringShape strings) {
        if (strings.min() > strings.max()) {
            return exprs.nothing;
        }
        if (strings.language() == null) {
            return JsonTexts.string(exprs, strings);
        }
        return exprs.concat(exprs.literal("\""), reader.content(strings), exprs.literal("\""));
    }
}
