package dev.nibble.chat.jinja;

import dev.nibble.chat.jinja.Value.Lazy;
import dev.nibble.chat.jinja.Value.Undefined;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The filters that sort items or put them into groups. */
final class GroupingFilters {
    private GroupingFilters() {}

    static void addTo(Map<String, Filters.Filter> filters) {
        filters.put("sort", GroupingFilters::sort);
        filters.put("dictsort", GroupingFilters::dictSort);
        filters.put("groupby", GroupingFilters::groupBy);
        filters.put("batch", (rendering, input, arguments) -> Lazy.of(() -> batch(rendering, input, arguments)));
        filters.put("slice", (rendering, input, arguments) -> Lazy.of(() -> slice(rendering, input, arguments)));
        filters.put("min", (rendering, input, arguments) -> extreme(rendering, input, arguments, "<"));
        filters.put("max", (rendering, input, arguments) -> extreme(rendering, input, arguments, ">"));
    }

    /** What a value is compared by when case does not matter. */
    static Value foldCase(Rendering rendering, Value value) {
        return value instanceof Text text
                ? TextMethods.rewrite(rendering, text, all -> all.toLowerCase(Locale.ROOT))
                : value;
    }

    private static Value key(
            Rendering rendering, Value item, List<Value> path, boolean caseSensitive, @Nullable Value fallback) {
        Value key = Attributes.path(rendering, item, path, fallback);
        return caseSensitive ? key : foldCase(rendering, key);
    }

    private static Value sort(Rendering rendering, Value input, Arguments arguments) {
        @Nullable Value[] given = arguments.bind("sort", 0, "reverse", "case_sensitive", "attribute");
        boolean caseSensitive = Values.boolArgument(given[1], false);
        List<List<Value>> paths = new ArrayList<>();
        if (given[2] instanceof Text names) {
            for (String name : names.value().split(",", -1)) {
                paths.add(Attributes.parts(Text.of(name)));
            }
        } else {
            paths.add(Attributes.parts(given[2]));
        }
        List<Value> items = Values.toList(rendering, input);
        List<Value> keys = new ArrayList<>(items.size());
        for (Value item : items) {
            rendering.steps(2 * Rendering.OBJECT);
            List<Value> parts = new ArrayList<>(paths.size());
            for (List<Value> path : paths) {
                parts.add(key(rendering, item, path, caseSensitive, null));
            }
            keys.add(ListValue.list(parts));
        }
        return ListValue.list(Comparison.sort(rendering, items, keys, Values.boolArgument(given[0], false)));
    }

    private static Value dictSort(Rendering rendering, Value input, Arguments arguments) {
        @Nullable Value[] given = arguments.bind("dictsort", 0, "case_sensitive", "by", "reverse");
        boolean caseSensitive = Values.boolArgument(given[0], false);
        String by =
                given[1] == null ? "key" : Values.textArgument(given[1], "by").value();
        if (!by.equals("key") && !by.equals("value")) {
            throw new TemplateError("You can only sort by either \"key\" or \"value\"");
        }
        if (input instanceof Undefined undefined) {
            throw undefined.error();
        }
        if (!(input instanceof DictValue dict)) {
            throw new TemplateError("'" + Values.typeName(input) + "' object has no attribute 'items'");
        }
        List<Value> pairs = new ArrayList<>();
        List<Value> keys = new ArrayList<>();
        for (DictValue.Entry entry : dict.entries()) {
            rendering.steps(Rendering.OBJECT);
            pairs.add(ListValue.tuple(entry.key(), entry.value()));
            Value key = by.equals("key") ? entry.key() : entry.value();
            keys.add(caseSensitive ? key : foldCase(rendering, key));
        }
        return ListValue.list(Comparison.sort(rendering, pairs, keys, Values.boolArgument(given[2], false)));
    }

    private static Value groupBy(Rendering rendering, Value input, Arguments arguments) {
        @Nullable Value[] given = arguments.bind("groupby", 1, "attribute", "default", "case_sensitive");
        boolean caseSensitive = Values.boolArgument(given[2], false);
        List<Value> path = Attributes.parts(given[0]);
        List<Value> items = Values.toList(rendering, input);
        List<Value> keys = new ArrayList<>(items.size());
        for (Value item : items) {
            keys.add(key(rendering, item, path, caseSensitive, given[1]));
        }
        List<Value> groups = new ArrayList<>();
        List<Value> members = new ArrayList<>();
        Value last = null;
        for (Value item : Comparison.sort(rendering, items, keys, false)) {
            Value key = key(rendering, item, path, caseSensitive, given[1]);
            if (last == null || !Comparison.equal(rendering, last, key)) {
                rendering.steps(2 * Rendering.OBJECT);
                members = new ArrayList<>();
                // a group goes by the key of its first item as it is written
                Value shown = Attributes.path(rendering, item, path, given[1]);
                groups.add(ListValue.group(shown, ListValue.list(members)));
                last = key;
            }
            members.add(item);
        }
        return ListValue.list(groups);
    }

    private static Iterator<Value> batch(Rendering rendering, Value input, Arguments arguments) {
        @Nullable Value[] given = arguments.bind("batch", 1, "linecount", "fill_with");
        int size = Values.intArgument(given[0], 0);
        List<Value> batches = new ArrayList<>();
        List<Value> batch = new ArrayList<>();
        for (Iterator<Value> items = Values.iterate(rendering, input); items.hasNext(); ) {
            if (batch.size() == size) {
                rendering.steps(2 * Rendering.OBJECT);
                batches.add(ListValue.list(batch));
                batch = new ArrayList<>();
            }
            batch.add(items.next());
        }
        if (!batch.isEmpty()) {
            fill(rendering, batch, given[1], size);
            batches.add(ListValue.list(batch));
        }
        return batches.iterator();
    }

    private static void fill(Rendering rendering, List<Value> items, @Nullable Value filler, int size) {
        while (filler != null && filler != Value.None.NONE && items.size() < size) {
            rendering.step();
            items.add(filler);
        }
    }

    private static Iterator<Value> slice(Rendering rendering, Value input, Arguments arguments) {
        @Nullable Value[] given = arguments.bind("slice", 1, "slices", "fill_with");
        int count = Values.intArgument(given[0], 0);
        if (count == 0) {
            throw new TemplateError("integer division or modulo by zero");
        }
        List<Value> items = Values.toList(rendering, input);
        int each = items.size() / count;
        int longer = items.size() % count;
        List<Value> slices = new ArrayList<>();
        int from = 0;
        for (int i = 0; i < count; i++) {
            rendering.steps(2 * Rendering.OBJECT);
            int to = from + each + (i < longer ? 1 : 0);
            List<Value> slice = new ArrayList<>(items.subList(from, to));
            if (i >= longer) {
                fill(rendering, slice, given[1], slice.size() + 1);
            }
            slices.add(ListValue.list(slice));
            from = to;
        }
        return slices.iterator();
    }

    private static Value extreme(Rendering rendering, Value input, Arguments arguments, String operator) {
        @Nullable Value[] given = arguments.bind("min or max", 0, "case_sensitive", "attribute");
        boolean caseSensitive = Values.boolArgument(given[0], false);
        List<Value> path = Attributes.parts(given[1]);
        Value best = null;
        Value bestKey = null;
        for (Iterator<Value> items = Values.iterate(rendering, input); items.hasNext(); ) {
            Value item = items.next();
            Value key = key(rendering, item, path, caseSensitive, null);
            if (bestKey == null || Comparison.ordered(rendering, operator, key, bestKey)) {
                best = item;
                bestKey = key;
            }
        }
        return best == null ? new Undefined("No aggregated item, sequence was empty.") : best;
    }
}
