package dev.nibble.chat.jinja;

import dev.nibble.chat.jinja.Value.Bool;
import dev.nibble.chat.jinja.Value.Int;
import dev.nibble.chat.jinja.Value.None;
import dev.nibble.chat.jinja.Value.Real;
import dev.nibble.chat.jinja.Value.Undefined;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A dict: keeps the order of insertion, and takes 1, 1.0 and True for the same key, as Python does. */
final class DictValue implements Value {
    private static final int MAX_KEY_DEPTH = 20;

    /** A key and its value. */
    record Entry(Value key, Value value) {}

    private final Map<Object, Entry> entries = new LinkedHashMap<>();

    void put(Value key, Value value) {
        Object hashed = hashKey(key, 0);
        Entry old = entries.get(hashed);
        entries.put(hashed, new Entry(old == null ? key : old.key(), value)); // the first key stays
    }

    void put(String key, Value value) {
        put(Text.of(key), value);
    }

    @Nullable Value get(Value key) {
        Entry entry = entries.get(hashKey(key, 0));
        return entry == null ? null : entry.value();
    }

    @Nullable Value get(String key) {
        Entry entry = entries.get(key);
        return entry == null ? null : entry.value();
    }

    @Nullable Value remove(Value key) {
        Entry entry = entries.remove(hashKey(key, 0));
        return entry == null ? null : entry.value();
    }

    boolean contains(Value key) {
        return entries.containsKey(hashKey(key, 0));
    }

    int size() {
        return entries.size();
    }

    Collection<Entry> entries() {
        return entries.values();
    }

    DictValue copy() {
        DictValue copy = new DictValue();
        copy.entries.putAll(entries);
        return copy;
    }

    /** A Java object that is equal for two values exactly when Python's hash table takes them for one key. */
    static Object hashKey(Value key, int depth) {
        return switch (key) {
            case Text text -> text.value();
            case Int number -> number.value();
            case Bool bool -> bool == Bool.TRUE ? BigInteger.ONE : BigInteger.ZERO;
            case Real real -> {
                double value = real.value();
                yield value == Math.rint(value) && !Double.isInfinite(value)
                        ? new BigDecimal(value).toBigInteger()
                        : (Object) value;
            }
            case None none -> none;
            case Undefined undefined -> Undefined.class;
            case ListValue list
            when list.isTuple() && depth < MAX_KEY_DEPTH -> {
                List<Object> parts = new ArrayList<>(list.size());
                for (Value item : list.items()) {
                    parts.add(hashKey(item, depth + 1));
                }
                yield parts;
            }
            case ListValue list -> throw unhashable(list);
            case DictValue dict -> throw unhashable(dict);
            default -> new Identity(key);
        };
    }

    private static TemplateError unhashable(Value key) {
        return new TemplateError("unhashable type: '" + Values.typeName(key) + "'");
    }

    /** A key that equals only itself. */
    private record Identity(Value value) {
        @Override
        public boolean equals(Object other) {
            return other instanceof Identity identity && identity.value == value;
        }

        @Override
        public int hashCode() {
            return System.identityHashCode(value);
        }
    }
}
