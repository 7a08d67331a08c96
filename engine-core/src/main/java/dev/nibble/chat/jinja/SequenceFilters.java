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
        filters.put("list", (runtime, input, arguments) -> {
            arguments.bind("list", 0);
            return ListValue.list(Values.toList(runtime, input));
        });
        filters.put("first", (runtime, input, arguments) -> {
            arguments.bind("first", 0);
            Iterator<Value> items = Values.iterate(runtime, input);
            return items.hasNext() ? items.next() : new Undefined("No first item, sequence was empty.");
        });
        filters.put("last", (runtime, input, arguments) -> {
            arguments.bind("last", 0);
            List<Value> items = reversible(runtime, input);
            return items.isEmpty() ? new Undefined("No last item, sequence was empty.") : items.getLast();
        });
        filters.put("reverse", SequenceFilters::reverse);
        filters.put("join", SequenceFilters::join);
        filters.put("items", SequenceFilters::items);
        filters.put("map", SequenceFilters::map);
        filters.put("select", (runtime, input, arguments) -> select(runtime, input, arguments, false, true));
        filters.put("reject", (runtime, input, arguments) -> select(runtime, input, arguments, false, false));
        filters.put("selectattr", (runtime, input, arguments) -> select(runtime, input, arguments, true, true));
        filters.put("rejectattr", (runtime, input, arguments) -> select(runtime, input, arguments, true, false));
        filters.put("unique", SequenceFilters::unique);
    }

    private static List<Value> reversible(Runtime runtime, Value input) {
        if (input instanceof Lazy || Values.sizeOrNone(input) < 0 || input instanceof LoopState) {
            throw new TemplateError("'" + Values.typeName(input) + "' object is not reversible");
        }
        return Values.toList(runtime, input);
    }

    private static Value reverse(Runtime runtime, Value input, Arguments arguments) {
        arguments.bind("reverse", 0);
        if (input instanceof Text) {
            Value all = Value.None.NONE;
            return Attributes.slice(runtime, input, all, all, Value.Int.of(-1));
        }
        List<Value> items = Values.toList(runtime, input).reversed();
        return input instanceof Lazy ? ListValue.list(items) : new Lazy(items.iterator());
    }

    private static Value join(Runtime runtime, Value input, Arguments arguments) {
        @Nullable Value[] given = arguments.bind("join", 0, "d", "attribute");
        Text separator = given[0] == null ? Text.EMPTY : Printer.str(runtime, given[0]);
        List<Value> path = Attributes.parts(given[1]);
        List<Text> parts = new ArrayList<>();
        for (Iterator<Value> items = Values.iterate(runtime, input); items.hasNext(); ) {
            parts.add(Printer.str(runtime, Attributes.path(runtime, items.next(), path, null)));
        }
        return StringSearch.join(runtime, separator, parts);
    }

    private static Value items(Runtime runtime, Value input, Arguments arguments) {
        arguments.bind("items", 0);
        if (input instanceof Undefined) {
            return new Lazy(List.<Value>of().iterator());
        }
        if (!(input instanceof DictValue dict)) {
            throw new TemplateError("Can only get item pairs from a mapping.");
        }
        return new Lazy(Values.iterate(runtime, new View(dict, View.Part.ITEMS)));
    }

    private static Value map(Runtime runtime, Value input, Arguments arguments) {
        UnaryOperator<Value> change;
        if (arguments.positional().isEmpty() && arguments.named().containsKey("attribute")) {
            @Nullable Value[] given = arguments.bind("map", 0, "attribute", "default");
            List<Value> path = Attributes.parts(given[0]);
            change = item -> Attributes.path(runtime, item, path, given[1]);
        } else if (arguments.positional().isEmpty()) {
            throw new TemplateError("map requires a filter argument");
        } else {
            String name = Values.textArgument(arguments.positional().getFirst(), "the name of a filter")
                    .value();
            Arguments rest = arguments.skip(1);
            change = item -> Filters.apply(runtime, name, item, rest);
        }
        Iterator<Value> items = walk(runtime, input);
        return new Lazy(new Iterator<>() {
            @Override
            public boolean hasNext() {
                return items.hasNext();
            }

            @Override
            public Value next() {
                return nested(runtime, () -> change.apply(items.next()));
            }
        });
    }

    /** Generators over generators are nested calls, and bounded like them. */
    private static <T> T nested(Runtime runtime, java.util.function.Supplier<T> step) {
        runtime.enter();
        T result = step.get();
        runtime.exit();
        return result;
    }

    /** The items; a false input has none, whatever its type. */
    private static Iterator<Value> walk(Runtime runtime, Value input) {
        return Values.truth(input)
                ? Values.iterate(runtime, input)
                : List.<Value>of().iterator();
    }

    private static Value select(
            Runtime runtime, Value input, Arguments arguments, boolean byAttribute, boolean wanted) {
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
            holds = item -> Tests.apply(runtime, name, item, rest);
        }
        Predicate<Value> picks = item -> holds.test(Attributes.path(runtime, item, path, null)) == wanted;
        return new Lazy(new Picked(runtime, walk(runtime, input), picks));
    }

    private static Value unique(Runtime runtime, Value input, Arguments arguments) {
        @Nullable Value[] given = arguments.bind("unique", 0, "case_sensitive", "attribute");
        boolean caseSensitive = Values.boolArgument(given[0], false);
        List<Value> path = Attributes.parts(given[1]);
        Set<Object> seen = new HashSet<>();
        Predicate<Value> isNew = item -> {
            Value key = Attributes.path(runtime, item, path, null);
            return seen.add(DictValue.hashKey(caseSensitive ? key : GroupingFilters.foldCase(runtime, key), 0));
        };
        return new Lazy(new Picked(runtime, Values.iterate(runtime, input), isNew));
    }

    /** The items that pass, asked for one by one. */
    private static final class Picked implements Iterator<Value> {
        private final Runtime runtime;
        private final Iterator<Value> items;
        private final Predicate<Value> picks;
        private @Nullable Value next;

        Picked(Runtime runtime, Iterator<Value> items, Predicate<Value> picks) {
            this.runtime = runtime;
            this.items = items;
            this.picks = picks;
        }

        @Override
        public boolean hasNext() {
            return next != null || nested(runtime, this::find);
        }

        private boolean find() {
            while (next == null && items.hasNext()) {
                runtime.step();
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
