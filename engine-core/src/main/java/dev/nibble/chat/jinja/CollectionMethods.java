package dev.nibble.chat.jinja;

import dev.nibble.chat.jinja.Value.Int;
import dev.nibble.chat.jinja.Value.None;
import dev.nibble.chat.jinja.Value.View;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The methods of list, tuple and dict. Those that change a list or dict work on the rendering's own copy of the values; the
 * sandbox that Hugging Face uses refuses them, other engines do not, and templates in the wild rely on that.
 */
final class CollectionMethods {
    /** A method of a list or dict. */
    @FunctionalInterface
    interface Method<T> {
        Value call(Rendering rendering, T self, Arguments arguments);
    }

    private static final Map<String, Method<DictValue>> DICT = new HashMap<>();
    private static final Map<String, Method<ListValue>> LIST = new HashMap<>();
    private static final Set<String> OF_TUPLE = Set.of("index", "count");

    static {
        DICT.put("keys", (rendering, self, arguments) -> view(self, arguments, View.Part.KEYS));
        DICT.put("values", (rendering, self, arguments) -> view(self, arguments, View.Part.VALUES));
        DICT.put("items", (rendering, self, arguments) -> view(self, arguments, View.Part.ITEMS));
        DICT.put("get", (rendering, self, arguments) -> {
            @Nullable Value[] given = arguments.bind("get", 1, "key", "default");
            return either(self.get(required(given[0])), given[1]);
        });
        DICT.put("copy", (rendering, self, arguments) -> {
            arguments.bind("copy", 0);
            rendering.steps((long) Rendering.OBJECT * self.size());
            return self.copy();
        });
        DICT.put("pop", (rendering, self, arguments) -> {
            @Nullable Value[] given = arguments.bind("pop", 1, "key", "default");
            Value removed = self.remove(required(given[0]));
            if (removed == null && given[1] == null) {
                throw new TemplateError("no key " + Printer.repr(rendering, required(given[0])) + " to pop");
            }
            return either(removed, given[1]);
        });
        DICT.put("setdefault", (rendering, self, arguments) -> {
            @Nullable Value[] given = arguments.bind("setdefault", 1, "key", "default");
            Value old = self.get(required(given[0]));
            if (old == null) {
                self.put(required(given[0]), required(given[1]));
            }
            return either(old, given[1]);
        });
        DICT.put("update", (rendering, self, arguments) -> {
            Globals.dict(rendering, arguments).entries().forEach(entry -> self.put(entry.key(), entry.value()));
            return None.NONE;
        });
        LIST.put("append", (rendering, self, arguments) -> {
            self.items().add(arguments.single("append"));
            return None.NONE;
        });
        LIST.put("extend", (rendering, self, arguments) -> {
            self.items().addAll(Values.toList(rendering, arguments.single("extend")));
            return None.NONE;
        });
        LIST.put("insert", (rendering, self, arguments) -> {
            @Nullable Value[] given = arguments.bind("insert", 2, "index", "object");
            int index = Values.intArgument(given[0], 0);
            int place = Math.clamp(index < 0 ? index + (long) self.size() : index, 0, self.size());
            rendering.steps(self.size() >> 6);
            self.items().add(place, required(given[1]));
            return None.NONE;
        });
        LIST.put("pop", (rendering, self, arguments) -> {
            int index = Values.intArgument(arguments.bind("pop", 0, "index")[0], -1);
            int place = index < 0 ? index + self.size() : index;
            if (place < 0 || place >= self.size()) {
                throw new TemplateError(self.size() == 0 ? "pop from empty list" : "pop index out of range");
            }
            rendering.steps(self.size() >> 6);
            return self.items().remove(place);
        });
        LIST.put("index", (rendering, self, arguments) -> {
            Value wanted = arguments.single("index");
            for (int i = 0; i < self.size(); i++) {
                if (Comparison.equal(rendering, self.get(i), wanted)) {
                    return Int.of(i);
                }
            }
            throw new TemplateError(Printer.repr(rendering, wanted) + " is not in the list");
        });
        LIST.put("count", (rendering, self, arguments) -> {
            Value wanted = arguments.single("count");
            long count = self.items().stream()
                    .filter(item -> Comparison.equal(rendering, item, wanted))
                    .count();
            return Int.of(count);
        });
        LIST.put("copy", (rendering, self, arguments) -> {
            arguments.bind("copy", 0);
            return ListValue.list(Values.toList(rendering, self));
        });
        for (String name : List.of("clear", "popitem", "fromkeys")) {
            DICT.put(name, (rendering, self, arguments) -> {
                throw TemplateError.unsupported("the method dict." + name + "()");
            });
        }
        for (String name : List.of("clear", "remove", "reverse", "sort")) {
            LIST.put(name, (rendering, self, arguments) -> {
                throw TemplateError.unsupported("the method list." + name + "()");
            });
        }
    }

    private CollectionMethods() {}

    static @Nullable Method<DictValue> ofDict(String name) {
        return DICT.get(name);
    }

    static @Nullable Method<ListValue> ofList(String name, boolean tuple) {
        return tuple && !OF_TUPLE.contains(name) ? null : LIST.get(name);
    }

    private static Value view(DictValue self, Arguments arguments, View.Part part) {
        arguments.bind("the method", 0);
        return new View(self, part);
    }

    private static Value either(@Nullable Value value, @Nullable Value fallback) {
        return value != null ? value : required(fallback);
    }

    private static Value required(@Nullable Value value) {
        return value == null ? None.NONE : value;
    }
}
