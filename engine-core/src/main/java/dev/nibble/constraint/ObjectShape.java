package dev.nibble.constraint;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiPredicate;
import org.jspecify.annotations.Nullable;

/**
 * The objects that a schema allows.
 *
 * @param properties what the values of declared names have to satisfy, in their order
 * @param layers what other names and their values have to satisfy: all layers at once
 * @param required names that must be there
 * @param min members at the least
 * @param max members at the most
 * @param names what every name has to be, spelled as in JSON; null for anything
 */
record ObjectShape(
        Map<String, SchemaNode> properties,
        List<Layer> layers,
        Set<String> required,
        int min,
        int max,
        @Nullable Expr names) {

    /** Names that match a pattern. */
    record PatternNode(Expr names, SchemaNode node) {}

    /** What one schema says of undeclared names: the patterns that match, or else {@code additional}. */
    record Layer(List<PatternNode> patterns, SchemaNode additional) {
        SchemaNode of(String name, BiPredicate<Expr, String> matches) {
            SchemaNode node = SchemaNode.ANY;
            boolean matched = false;
            for (PatternNode pattern : patterns) {
                if (matches.test(pattern.names, name)) {
                    node = node.and(pattern.node);
                    matched = true;
                }
            }
            return matched ? node : additional;
        }
    }

    static final ObjectShape ANY =
            new ObjectShape(Map.of(), List.of(), Set.of(), 0, Expr.UNBOUNDED, null);

    /** What the value of a name has to satisfy, whether it is declared or not. */
    SchemaNode value(String name, BiPredicate<Expr, String> matches) {
        SchemaNode declared = properties.get(name);
        if (declared != null) {
            return declared;
        }
        SchemaNode node = SchemaNode.ANY;
        for (Layer layer : layers) {
            node = node.and(layer.of(name, matches));
        }
        return node;
    }

    ObjectShape and(ObjectShape other, Exprs exprs, BiPredicate<Expr, String> matches) {
        Map<String, SchemaNode> both = new LinkedHashMap<>();
        for (String name : properties.keySet()) {
            both.put(name, value(name, matches).and(other.value(name, matches)));
        }
        for (String name : other.properties.keySet()) {
            both.computeIfAbsent(name, key -> value(key, matches).and(other.value(key, matches)));
        }
        List<Layer> all = new ArrayList<>(layers);
        other.layers.stream().filter(layer -> !all.contains(layer)).forEach(all::add);
        Set<String> needed = new LinkedHashSet<>(required);
        needed.addAll(other.required);
        Expr allNames = names == null ? other.names : other.names == null ? names : exprs.and(names, other.names);
        return new ObjectShape(both, all, needed, Math.max(min, other.min), Math.min(max, other.max), allNames);
    }
}
