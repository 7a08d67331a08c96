package dev.nibble.constraint;

import dev.nibble.constraint.ArrayShape.Contains;
import dev.nibble.json.JsonValues;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How the arrays of an {@link ArrayShape} are written: item by item. Which may come next depends on how many there are, on
 * how many of them satisfy what has to be contained, and, where no two may be equal, on which values were written.
 */
final class ArrayPlan {
    /** A kind of item at a place: what it has to satisfy, and which of the things to be contained it is known to satisfy. */
    record Variant(SchemaNode node, List<Boolean> contained) {}

    /** A way to go on: the text of an item, and where it leads. */
    private record Step(Expr item, Rest rest) {}

    private final ArrayShape shape;
    private final JsonTexts texts;
    /** [prefix, and one for all others], the kinds of items at a place. */
    final List<List<Variant>> variants = new ArrayList<>();
    /** Where no two items may be equal: the values at each place; else null. */
    private final @Nullable List<List<Object>> values;

    private final Map<SchemaNode, Expr> usable = new HashMap<>();
    private final Map<Rest, Boolean> completable = new HashMap<>();

    ArrayPlan(ArrayShape shape, @Nullable List<List<Object>> values, JsonTexts texts) {
        this.shape = shape;
        this.values = values;
        this.texts = texts;
        for (int place = 0; place <= shape.prefix().size(); place++) {
            List<Variant> kinds = new ArrayList<>();
            variants(shape.item(place), 0, List.of(), kinds);
            variants.add(kinds);
        }
    }

    /** Each combination of what is contained: an item that need not be counted may be anything. */
    private void variants(SchemaNode node, int index, List<Boolean> contained, List<Variant> into) {
        if (index == shape.contains().size()) {
            into.add(new Variant(node, contained));
            return;
        }
        Contains contains = shape.contains().get(index);
        for (boolean is : new boolean[] {true, false}) {
            List<Boolean> longer = new ArrayList<>(contained);
            longer.add(is);
            SchemaNode narrower =
                    is ? contains.node() : contains.max() == Expr.UNBOUNDED ? SchemaNode.ANY : contains.not();
            variants(node.and(narrower), index + 1, longer, into);
        }
    }

    /** Whether there is such an array, with the kinds of items that {@link #use} named. */
    boolean isSatisfiable() {
        completable.clear();
        return canComplete(start());
    }

    /** Says that some value satisfies a node, and what such values look like. */
    void use(SchemaNode node, Expr text) {
        usable.put(node, text);
    }

    /** The texts. */
    Expr text(Exprs exprs) {
        completable.clear();
        return exprs.concat(exprs.literal("["), exprs.lazy(start()));
    }

    private Rest start() {
        return new Rest(this, 0, Collections.nCopies(shape.contains().size(), 0), List.of());
    }

    private int place(int index) {
        return Math.min(index, shape.prefix().size());
    }

    private List<Step> steps(Rest rest, Exprs exprs) {
        List<Step> steps = new ArrayList<>();
        if (rest.index >= shape.max()) {
            return steps;
        }
        if (values != null) {
            for (Object value : values.get(place(rest.index))) {
                if (rest.used.stream().noneMatch(used -> JsonValues.same(used, value))) {
                    List<Object> used = new ArrayList<>(rest.used);
                    used.add(value);
                    used.sort((a, b) -> JsonValues.write(a).compareTo(JsonValues.write(b)));
                    steps.add(new Step(
                            texts.literal(exprs, value),
                            new Rest(this, rest.index + 1, rest.counts, List.copyOf(used))));
                }
            }
            return steps;
        }
        for (Variant variant : variants.get(place(rest.index))) {
            Expr item = usable.get(variant.node);
            List<Integer> counts = item == null ? null : counted(rest.counts, variant);
            if (item != null && counts != null) {
                steps.add(new Step(item, new Rest(this, counted(rest.index + 1), counts, List.of())));
            }
        }
        return steps;
    }

    /** How many items there are, as far as it matters. */
    private int counted(int index) {
        return shape.max() == Expr.UNBOUNDED
                ? Math.min(index, Math.max(shape.min(), shape.prefix().size() + 1))
                : index;
    }

    private @Nullable List<Integer> counted(List<Integer> counts, Variant variant) {
        List<Integer> result = new ArrayList<>();
        for (int i = 0; i < counts.size(); i++) {
            Contains contains = shape.contains().get(i);
            int count = counts.get(i) + (variant.contained.get(i) ? 1 : 0);
            if (count > contains.max()) {
                return null;
            }
            result.add(contains.max() == Expr.UNBOUNDED ? Math.min(count, contains.min()) : count);
        }
        return result;
    }

    private boolean mayEnd(Rest rest) {
        for (int i = 0; i < rest.counts.size(); i++) {
            if (rest.counts.get(i) < shape.contains().get(i).min()) {
                return false;
            }
        }
        return rest.index >= shape.min();
    }

    /** Whether the array can be ended from here, by some number of items. */
    private boolean canComplete(Rest rest) {
        if (mayEnd(rest)) {
            return true;
        }
        Boolean known = completable.get(rest);
        if (known == null) {
            completable.put(rest, false); // a way back to here would be no way to an end
            known = shape.contains().isEmpty() && values == null
                    ? canFill(rest.index)
                    : steps(rest, texts.exprs()).stream().anyMatch(step -> canComplete(step.rest));
            completable.put(rest, known);
        }
        return known;
    }

    /** Whether there are items for the places from {@code index} up to the least number. */
    private boolean canFill(int index) {
        if (shape.min() > shape.max()) {
            return false;
        }
        for (int place = place(index); place <= shape.prefix().size() && place < shape.min(); place++) {
            if (variants.get(place).stream().noneMatch(variant -> usable.containsKey(variant.node))) {
                return false;
            }
        }
        return true;
    }

    /**
     * What follows the first items.
     *
     * @param counts how many of them satisfy each of what is to be contained
     * @param used which values they are, where no two may be equal
     */
    private record Rest(ArrayPlan plan, int index, List<Integer> counts, List<Object> used) implements Expr.Generator {
        @Override
        public Expr expand(Exprs exprs) {
            List<Expr> ways = new ArrayList<>();
            if (plan.mayEnd(this)) {
                ways.add(exprs.literal("]"));
            }
            Expr comma = index == 0 ? exprs.empty : plan.texts.comma(exprs);
            for (Step step : plan.steps(this, exprs)) {
                if (plan.canComplete(step.rest)) {
                    ways.add(exprs.concat(comma, step.item, exprs.lazy(step.rest)));
                }
            }
            return exprs.alternative(ways);
        }

        @Override
        public boolean nullable() {
            return false;
        }
    }
}
