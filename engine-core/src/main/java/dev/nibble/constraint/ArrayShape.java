package dev.nibble.constraint;

import java.util.ArrayList;
import java.util.List;

/**
 * The arrays that a schema allows.
 *
 * @param prefix what the first items have to satisfy, each
 * @param items what all others have to satisfy
 * @param min items at the least
 * @param max items at the most
 * @param unique whether no two items may be equal
 * @param contains what some of the items have to satisfy
 */
record ArrayShape(
        List<SchemaNode> prefix, SchemaNode items, int min, int max, boolean unique, List<Contains> contains) {

    /** At least {@code min} and at most {@code max} items satisfy {@code node}; {@code not} is its complement. */
    record Contains(SchemaNode node, SchemaNode not, int min, int max) {}

    static final ArrayShape ANY = new ArrayShape(List.of(), SchemaNode.ANY, 0, Expr.UNBOUNDED, false, List.of());

    ArrayShape and(ArrayShape other) {
        List<SchemaNode> both = new ArrayList<>();
        for (int i = 0; i < Math.max(prefix.size(), other.prefix.size()); i++) {
            both.add(item(i).and(other.item(i)));
        }
        List<Contains> all = new ArrayList<>(contains);
        all.addAll(other.contains);
        int least = Math.max(min, other.min);
        int most = Math.min(max, other.max);
        return new ArrayShape(both, items.and(other.items), least, most, unique || other.unique, all);
    }

    /** What the item at an index has to satisfy, {@link #contains} left out. */
    SchemaNode item(int index) {
        return index < prefix.size() ? prefix.get(index) : items;
    }
}
