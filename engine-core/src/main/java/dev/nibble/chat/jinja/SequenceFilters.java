package dev.nibble.chat.jinja;

import dev.nibble.chat.jinja.Value.Lazy;
import dev.nibble.chat.jinja.Value.Undefined;
import dev.nibble.chat.jinja.Value.View;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** The filters that pick, map or join the items of a sequence. As in Jinja, most give a generator. */
final class SequenceFilters {
    private SequenceFilters() {}

    static void addTo(Map<String, Filters.Filter> filters) {
        filters.put("list", (rendering, input, arguments) -> {
            arguments.bind("list", 0);
            return ListValue.list(Values.toList(rendering, input));
        });
        filters.put("first", (rendering, input, arguments) -> {
            arguments.bind("first", 0);
            Iterator<Value> items = Values.iterate(rendering, input);
            return items.hasNext() ? items.next() : new Undefined("No first item, sequence was empty.");
        });
        filters.put("last", (rendering, input, arguments) -> {
            arguments.bind("last", 0);
            List<Value> items = reversible(rendering, input);
            return items.isEmpty() ? new Undefined("No last item, sequence was empty.") : items.getLast();
        });
        filters.put("reverse", SequenceFilters::reverse);
        filters.put("join", SequenceFilters::join);
        filters.put("items", (rendering, input, arguments) -> Lazy.of(() -> items(rendering, input, arguments)));
        filters.put("map", (rendering, input, arguments) -> Lazy.of(() -> map(rendering, input, arguments)));
        filters.put(
                "select",
                (rendering, input, arguments) -> Lazy.of(() -> select(rendering, input, arguments, false, true)));
        filters.put(
                "reject",
                (rendering, input, arguments) -> Lazy.of(() -> select(rendering, input, arguments, false, false)));
        filters.put(
                "selectattr",
                (rendering, input, arguments) -> Lazy.of(() -> select(rendering, input, arguments, true, true)));
        filters.put(
                "rejectattr",
                (rendering, input, arguments) -> Lazy.of(() -> select(rendering, input, arguments, true, false)));
        filters.put("unique", (rendering, input, arguments) -> Lazy.of(() -> unique(rendering, input, arguments)));
    }

    private static List<Value> reversible(Rendering rendering, Value input) {
        if (input instanceof Lazy || Values.sizeOrNone(input) < 0 || input instanceof LoopState) {
            throw new TemplateError("'" + Values.typeName(input) + "' object is not reversible");
        }
        return Values.toList(rendering, input);
    }

    private static Value reverse(Rendering rendering, Value input, Arguments arguments) {
        arguments.bind("reverse", 0);
        if (input instanceof Text) {
            Value all = Value.None.NONE;
            return Attributes.slice(rendering, input, all, all, Value.Int.of(-1));
        }
        List<Value> items = Values.toList(rendering, input).reversed();
        return input instanceof Lazy ? ListValue.list(items) : new Lazy(items.iterator());
    }

    private static Value join(Rendering rendering, Value input, Arguments arguments) {
        @Nullable Value[] given = arguments.bind("join", 0, "d", "attribute");
        Text separator = given[0] == null ? Text.EMPTY : Printer.str(rendering, given[0]);
        List<Value> path = Attributes.parts(given[1]);
        List<Text> parts = new ArrayList<>();
        for (Iterator<Value> items = Values.iterate(rendering, input); items.hasNext(); ) {
            parts.add(Printer.str(rendering, Attributes.path(rendering, items.next(), path, null)));
        }
        return StringSearch.join(rendering, separator, parts);
    }

    private static Iterator<Value> items(Rendering rendering, Value input, Arguments arguments) {
        arguments.bind("items", 0);
        if (input instanceof Undefined) {
            return List.<Value>of().iterator();
        }
        if (!(input instanceof DictValue dict)) {
            throw new TemplateError("Can only get item pairs from a mapping.");
        }
        return Values.iterate(rendering, new View(dict, View.Part.ITEMS));
    }

    private static Iterator<Value> map(Rendering rendering, Value input, Arguments arguments) {
        UnaryOperator<Value> change;
        if (arguments.positional().isEmpty() && arguments.named().containsKey("attribute")) {
            @Nullable Value[] given = arguments.bind("map", 0, "attribute", "default");
            List<Value> path = Attributes.parts(given[0]);
            change = item -> Attributes.path(rendering, item, path, given[1]);
        } else if (arguments.positional().isEmpty()) {
            throw new TemplateError("map requires a filter argument");
        } else {
            String name = Values.textArgument(arguments.positional().getFirst(), "the name of a filter")
                    .value();
            Arguments rest = arguments.skip(1);
            change = item -> Filters.apply(rendering, name, item, rest);
        }
        Iterator<Value> items = walk(rendering, input);
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return nested(rendering, items::hasNext);
            }

            @Override
            public Value next() {
                return nested(rendering, () -> change.apply(items.next()));
            }
        };
    }

    /** Generators over generators are nested calls, and bounded like them. */
    private static <T> T nested(Rendering rendering, java.util.function.Supplier<T> step) {
        rendering.enter();
        T result = step.get();
        rendering.exit();
        return result;
    }

    /** The items; a false input has none, whatever its type. */
    private static Iterator<Value> walk(Rendering rendering, Value input) {
        return Values.truth(input)
                ? Values.iterate(rendering, input)
                : List.<Value>of().iterator();
    }

    private static Iterator<Value> select(
            Rendering rendering, Value input, Arguments arguments, boolean byAttribute, boolean wanted) {
        if (byAttribute && arguments.positional().isEmpty()) {
            throw new TemplateError("Missing parameter for attribute name");
        }
        List<Value> path = byAttribute ? Attributes.parts(arguments.positional().getFirst()) : List.of();
        Arguments test = byAttribute ? arguments.skip(1) : arguments;
        Predicate<Value> holds;
        if (test.positional().isEmpty()) {
            holds = Values::truth;
        } else {
            String name = Values.textArgument(test.positional().getFirst(), "the name of a test")
                    .value();
            Arguments rest = test.skip(1);
            holds = item -> Tests.apply(rendering, name, item, rest);
        }
        Predicate<Value> picks = item -> holds.test(Attributes.path(rendering, item, path, null)) == wanted;
        return new Picked(rendering, walk(rendering, input), picks);
    }

    private static Iterator<Value> unique(Rendering rendering, Value input, Arguments arguments) {
        @Nullable Value[] given = arguments.bind("unique", 0, "case_sensitive", "attribute");
        boolean caseSensitive = Values.boolArgument(given[0], false);
        List<Value> path = Attributes.parts(given[1]);
        Set<Object> seen = new HashSet<>();
        Predicate<Value> isNew = item -> {
            Value key = Attributes.path(rendering, item, path, null);
            return seen.add(DictValue.hashKey(caseSensitive ? key : GroupingFilters.foldCase(rendering, key), 0));
        };
        return new Picked(rendering, Values.iterate(rendering, input), isNew);
    }

    /** The items that pass, asked for one by one. */
    private static final class Picked implements Iterator<Value> {
        private final Rendering rendering;
        private final Iterator<Value> items;
        private final Predicate<Value> picks;
        private @Nullable Value next;

        Picked(Rendering rendering, Iterator<Value> items, Predicate<Value> picks) {
            this.rendering = rendering;
            this.items = items;
            this.picks = picks;
        }

        @Override
        public boolean hasNext() {
            return next != null || nested(rendering, this::find);
        }

        private boolean find() {
            while (next == null && items.hasNext()) {
                rendering.step();
                Value item = items.next();
                next = picks.test(item) ? item : null;
            }
            return next != null;
        }

        @Override
        public Value next() {
            if (!hasNext() || next == null) {
                throw new NoSuchElementException();
            }
            Value item = next;
            next = null;
            return item;
        }
    }
}
