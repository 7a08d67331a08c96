package dev.nibble.chat.jinja;

import dev.nibble.chat.jinja.Value.Namespace;
import dev.nibble.chat.jinja.Value.None;
import dev.nibble.chat.jinja.Value.Range;
import dev.nibble.chat.jinja.Value.Undefined;
import java.math.BigInteger;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The functions every template finds. */
final class Globals {
    /** The longest {@code range}, the same as in Jinja's sandbox. */
    static final int MAX_RANGE = 100_000;

    private static final List<String> REFUSED = List.of("lipsum", "self");

    private final Map<String, Value> functions = new HashMap<>();

    Globals() {
        define("range", (rendering, arguments) -> range(arguments));
        define("dict", Globals::dict);
        define("namespace", (rendering, arguments) -> new Namespace(dict(rendering, arguments)));
        define("cycler", (rendering, arguments) -> cycler(arguments));
        define("joiner", (rendering, arguments) -> joiner(arguments));
        define("raise_exception", (rendering, arguments) -> {
            throw TemplateError.raised(
                    Printer.str(rendering, arguments.single("raise_exception")).value());
        });
        define("strftime_now", (rendering, arguments) -> {
            Text format = Values.textArgument(arguments.single("strftime_now"), "the format");
            return format.rewritten(Strftime.format(rendering, format.value()));
        });
        for (String name : REFUSED) {
            define(name, (rendering, arguments) -> {
                throw TemplateError.unsupported("the function '" + name + "'");
            });
        }
    }

    private void define(String name, Function.Body body) {
        functions.put(name, new Function(name, body));
    }

    @Nullable Value get(String name) {
        return functions.get(name);
    }

    private static Value range(Arguments arguments) {
        List<Value> given = arguments.positional();
        if (given.isEmpty() || given.size() > 3 || !arguments.named().isEmpty()) {
            throw new TemplateError("range expected 1 to 3 arguments, got " + given.size());
        }
        long[] numbers = new long[given.size()];
        for (int i = 0; i < numbers.length; i++) {
            if (given.get(i) instanceof Undefined undefined) {
                throw undefined.error();
            }
            BigInteger number = Values.integer(given.get(i));
            if (number == null) {
                throw new TemplateError(
                        "'" + Values.typeName(given.get(i)) + "' object cannot be interpreted as an integer");
            }
            numbers[i] = Values.clamp(number);
        }
        long start = numbers.length == 1 ? 0 : numbers[0];
        long stop = numbers.length == 1 ? numbers[0] : numbers[1];
        long step = numbers.length == 3 ? numbers[2] : 1;
        if (step == 0) {
            throw new TemplateError("range() arg 3 must not be zero");
        }
        Range range = new Range(start, stop, step);
        if (range.size() > MAX_RANGE) {
            throw new TemplateError(
                    "Range too big. The sandbox blocks ranges larger than MAX_RANGE (" + MAX_RANGE + ").");
        }
        return range;
    }

    /** {@code dict(mapping or pairs, key=value, ...)}. */
    static DictValue dict(Rendering rendering, Arguments arguments) {
        DictValue dict = new DictValue();
        for (Value source : arguments.positional()) {
            if (source instanceof DictValue other) {
                rendering.steps((long) Rendering.OBJECT * other.size());
                other.entries().forEach(entry -> dict.put(entry.key(), entry.value()));
                continue;
            }
            for (Iterator<Value> pairs = Values.iterate(rendering, source); pairs.hasNext(); ) {
                rendering.steps(Rendering.OBJECT);
                List<Value> pair = Values.toList(rendering, pairs.next());
                if (pair.size() != 2) {
                    throw new TemplateError("a dict is made of pairs; found " + pair.size() + " items instead of 2");
                }
                dict.put(pair.get(0), pair.get(1));
            }
        }
        arguments.named().forEach(dict::put);
        return dict;
    }

    private static Value cycler(Arguments arguments) {
        List<Value> items = arguments.positional();
        if (items.isEmpty()) {
            throw new TemplateError("at least one item has to be provided");
        }
        DictValue attributes = new DictValue();
        int[] position = {0};
        attributes.put("current", items.getFirst());
        attributes.put("next", new Function("next", (rendering, none) -> {
            Value item = items.get(position[0]);
            position[0] = (position[0] + 1) % items.size();
            attributes.put("current", items.get(position[0]));
            return item;
        }));
        attributes.put("reset", new Function("reset", (rendering, none) -> {
            position[0] = 0;
            attributes.put("current", items.getFirst());
            return None.NONE;
        }));
        return new Namespace(attributes);
    }

    private static Value joiner(Arguments arguments) {
        Value separator = arguments.bind("joiner", 0, "sep")[0];
        Value text = separator == null ? Text.of(", ") : separator;
        boolean[] used = {false};
        return new Function("joiner", (rendering, none) -> {
            boolean first = !used[0];
            used[0] = true;
            return first ? Text.EMPTY : text;
        });
    }
}
