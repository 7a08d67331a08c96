package dev.nibble.chat.jinja;

import dev.nibble.chat.jinja.Value.Bool;
import dev.nibble.chat.jinja.Value.Int;
import dev.nibble.chat.jinja.Value.None;
import dev.nibble.chat.jinja.Value.Real;
import dev.nibble.chat.jinja.Value.Undefined;
import java.util.HashMap;
import java.util.Map;

/** The tests that follow {@code is}. */
final class Tests {
    /** A test of a value. */
    @FunctionalInterface
    interface Test {
        boolean apply(Rendering rendering, Value value, Arguments arguments);
    }

    private static final Map<String, Test> TESTS = new HashMap<>();

    static {
        plain("defined", value -> !(value instanceof Undefined));
        plain("undefined", value -> value instanceof Undefined);
        plain("none", value -> value == None.NONE);
        plain("boolean", value -> value instanceof Bool);
        plain("true", value -> value == Bool.TRUE);
        plain("false", value -> value == Bool.FALSE);
        plain("integer", value -> value instanceof Int);
        plain("float", value -> value instanceof Real);
        plain("number", Values::isNumber);
        plain("string", value -> value instanceof Text);
        plain("mapping", value -> value instanceof DictValue);
        plain("iterable", Values::isIterable);
        plain("sequence", Tests::isSequence);
        plain(
                "callable",
                value -> value instanceof Function || value instanceof LoopState || value instanceof Undefined);
        plain("escaped", value -> value instanceof Text text && text.isMarkup());
        TESTS.put(
                "lower",
                (rendering, value, arguments) ->
                        TextMethods.isLower(Printer.str(rendering, value).value()));
        TESTS.put(
                "upper",
                (rendering, value, arguments) ->
                        TextMethods.isUpper(Printer.str(rendering, value).value()));
        TESTS.put("odd", (rendering, value, arguments) -> remainder(rendering, value, Int.of(2), Int.of(1)));
        TESTS.put("even", (rendering, value, arguments) -> remainder(rendering, value, Int.of(2), Int.of(0)));
        TESTS.put(
                "divisibleby",
                (rendering, value, arguments) ->
                        remainder(rendering, value, arguments.single("divisibleby"), Int.of(0)));
        TESTS.put("in", (rendering, value, arguments) -> Comparison.contains(rendering, arguments.single("in"), value));
        TESTS.put("sameas", (rendering, value, arguments) -> same(value, arguments.single("sameas")));
        TESTS.put(
                "filter", (rendering, value, arguments) -> value instanceof Text name && Filters.exists(name.value()));
        TESTS.put("test", (rendering, value, arguments) -> value instanceof Text name && exists(name.value()));
        for (String name : new String[] {"==", "eq", "equalto"}) {
            TESTS.put(
                    name, (rendering, value, arguments) -> Comparison.equal(rendering, value, arguments.single(name)));
        }
        for (String name : new String[] {"!=", "ne"}) {
            TESTS.put(
                    name, (rendering, value, arguments) -> !Comparison.equal(rendering, value, arguments.single(name)));
        }
        ordered("<", "lt", "lessthan");
        ordered("<=", "le");
        ordered(">", "gt", "greaterthan");
        ordered(">=", "ge");
    }

    private Tests() {}

    static boolean exists(String name) {
        return TESTS.containsKey(name);
    }

    static boolean apply(Rendering rendering, String name, Value value, Arguments arguments) {
        Test test = TESTS.get(name);
        if (test == null) {
            throw TemplateError.unsupported("the test '" + name + "'");
        }
        rendering.reads(value);
        rendering.step();
        return test.apply(rendering, value, arguments);
    }

    private static void plain(String name, java.util.function.Predicate<Value> test) {
        TESTS.put(name, (rendering, value, arguments) -> {
            arguments.bind("the test '" + name + "'", 0);
            return test.test(value);
        });
    }

    private static void ordered(String operator, String... names) {
        Test test = (rendering, value, arguments) ->
                Comparison.ordered(rendering, operator, value, arguments.single("the comparison"));
        TESTS.put(operator, test);
        for (String name : names) {
            TESTS.put(name, test);
        }
    }

    private static boolean isSequence(Value value) {
        return value instanceof Text
                || value instanceof ListValue
                || value instanceof DictValue
                || value instanceof Value.Range
                || value instanceof Undefined;
    }

    private static boolean remainder(Rendering rendering, Value value, Value by, Value expected) {
        return Comparison.equal(rendering, Operators.apply(rendering, "%", value, by), expected);
    }

    /** Identity as CPython has it for the values where a template can rely on it. */
    private static boolean same(Value value, Value other) {
        return value == other
                || value instanceof Text a
                        && other instanceof Text b
                        && a.value().equals(b.value())
                || value instanceof Int c && other instanceof Int d && c.equals(d);
    }
}
