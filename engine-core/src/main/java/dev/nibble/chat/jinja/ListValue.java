package dev.nibble.chat.jinja;

import java.util.ArrayList;
import java.util.List;

/** A list, or a tuple when it cannot be changed. */
final class ListValue implements Value {
    private final List<Value> items;
    private final boolean tuple;
    private final boolean group;

    private ListValue(List<Value> items, boolean tuple, boolean group) {
        this.items = items;
        this.tuple = tuple;
        this.group = group;
    }

    /** A list that owns {@code items}. */
    static ListValue list(List<Value> items) {
        return new ListValue(items, false, false);
    }

    static ListValue tuple(Value... items) {
        return new ListValue(List.of(items), true, false);
    }

    static ListValue tuple(List<Value> items) {
        return new ListValue(items, true, false);
    }

    /** The pair that {@code groupby} makes: its items are also {@code grouper} and {@code list}. */
    static ListValue group(Value key, ListValue members) {
        return new ListValue(List.of(key, members), true, true);
    }

    boolean isTuple() {
        return tuple;
    }

    boolean isGroup() {
        return group;
    }

    int size() {
        return items.size();
    }

    Value get(int index) {
        return items.get(index);
    }

    /** The live items; change them only for a list. */
    List<Value> items() {
        return items;
    }

    /** A new list or tuple, as this one is. */
    ListValue like(List<Value> others) {
        return new ListValue(others, tuple, false);
    }

    ListValue plus(ListValue other) {
        List<Value> all = new ArrayList<>(items.size() + other.items.size());
        all.addAll(items);
        all.addAll(other.items);
        return like(all);
    }
}
