package dev.nibble.chat.jinja;

import dev.nibble.chat.jinja.Value.None;
import dev.nibble.chat.jinja.Value.Undefined;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The filters by name, and those that fit no other group. */
final class Filters {
    /** A filter: {@code input|name(arguments)}. */
    @FunctionalInterface
    interface Filter {
        Value apply(Rendering rendering, Value input, Arguments arguments);
    }

    private static final Map<String, Filter> FILTERS = new HashMap<>();

    static {
        TextFilters.addTo(FILTERS);
        NumberFilters.addTo(FILTERS);
        SequenceFilters.addTo(FILTERS);
        GroupingFilters.addTo(FILTERS);
        FILTERS.put("default", Filters::defaultValue);
        FILTERS.put("d", Filters::defaultValue);
        FILTERS.put("tojson", Json::dumps);
        FILTERS.put("length", Filters::length);
        FILTERS.put("count", Filters::length);
        FILTERS.put("attr", (rendering, input, arguments) -> {
            Text name = Values.textArgument(arguments.single("attr"), "the attribute name");
            Value found = Attributes.own(rendering, input, name.value());
            return found == null ? Attributes.missing(input, name) : found;
        });
    }

    private Filters() {}

    static boolean exists(String name) {
        return FILTERS.containsKey(name);
    }

    static Value apply(Rendering rendering, String name, Value input, Arguments arguments) {
        Filter filter = FILTERS.get(name);
        if (filter == null) {
            throw TemplateError.unsupported("the filter '" + name + "'");
        }
        rendering.step();
        rendering.reads(input);
        return filter.apply(rendering, input, arguments);
    }

    private static Value defaultValue(Rendering rendering, Value input, Arguments arguments) {
        @Nullable Value[] given = arguments.bind("default", 0, "default_value", "boolean");
        boolean replace = input instanceof Undefined || Values.boolArgument(given[1], false) && !Values.truth(input);
        Value fallback = given[0] == null ? Text.EMPTY : given[0];
        return replace ? fallback : input;
    }

    private static Value length(Rendering rendering, Value input, Arguments arguments) {
        arguments.bind("length", 0);
        return Value.Int.of(Values.size(input));
    }

    /** An argument that must have been given. */
    static Value required(@Nullable Value value) {
        return value == null ? None.NONE : value;
    }
}
