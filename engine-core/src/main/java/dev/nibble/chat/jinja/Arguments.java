package dev.nibble.chat.jinja;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The arguments of a call.
 *
 * @param positional in order
 * @param named by keyword, in order
 */
record Arguments(List<Value> positional, Map<String, Value> named) {
    static final Arguments NONE = new Arguments(List.of(), Map.of());

    static Arguments of(Value... values) {
        return new Arguments(List.of(values), Map.of());
    }

    /** These without the first {@code count} positional ones. */
    Arguments skip(int count) {
        return new Arguments(positional.subList(count, positional.size()), named);
    }

    /**
     * Matches the arguments with parameter names; one that was not given is null.
     *
     * @param what the called thing, for messages
     * @param required how many of the parameters must be given
     */
    @Nullable Value[] bind(String what, int required, String... names) {
        if (positional.size() > names.length) {
            throw new TemplateError(
                    what + " takes at most " + names.length + " arguments, " + positional.size() + " were given");
        }
        @Nullable Value[] bound = new @Nullable Value[names.length];
        for (int i = 0; i < positional.size(); i++) {
            bound[i] = positional.get(i);
        }
        List<String> known = Arrays.asList(names);
        for (Map.Entry<String, Value> entry : named.entrySet()) {
            int index = known.indexOf(entry.getKey());
            if (index < 0) {
                throw new TemplateError(what + " has no argument '" + entry.getKey() + "'");
            }
            if (bound[index] != null) {
                throw new TemplateError(what + " got argument '" + entry.getKey() + "' twice");
            }
            bound[index] = entry.getValue();
        }
        for (int i = 0; i < required; i++) {
            if (bound[i] == null) {
                throw new TemplateError(what + " misses argument '" + names[i] + "'");
            }
        }
        return bound;
    }

    /** Exactly one argument. */
    Value single(String what) {
        Value value = bind(what, 1, "value")[0];
        return value == null ? Value.None.NONE : value;
    }

    /** The keyword arguments without some. */
    Map<String, Value> namedWithout(String... names) {
        Map<String, Value> rest = new LinkedHashMap<>(named);
        rest.keySet().removeAll(Arrays.asList(names));
        return rest;
    }
}
