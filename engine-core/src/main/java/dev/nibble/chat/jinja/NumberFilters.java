package dev.nibble.chat.jinja;

import dev.nibble.chat.jinja.Value.Int;
import dev.nibble.chat.jinja.Value.Real;
import dev.nibble.chat.jinja.Value.Undefined;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The filters that make numbers. */
final class NumberFilters {
    private static final int MAX_PRECISION = 400; // no float has digits beyond

    private NumberFilters() {}

    static void addTo(Map<String, Filters.Filter> filters) {
        filters.put("int", NumberFilters::toInt);
        filters.put("float", NumberFilters::toFloat);
        filters.put("abs", NumberFilters::abs);
        filters.put("round", NumberFilters::round);
        filters.put("sum", NumberFilters::sum);
        filters.put("filesizeformat", NumberFilters::fileSize);
    }

    private static Value toInt(Rendering rendering, Value input, Arguments arguments) {
        @Nullable Value[] given = arguments.bind("int", 0, "default", "base");
        Value fallback = given[0] == null ? Int.of(0) : given[0];
        if (input instanceof Undefined undefined) {
            throw undefined.error();
        }
        BigInteger number = input instanceof Text text
                ? NumberLiteral.parseInteger(text.value(), Values.intArgument(given[1], 10))
                : Values.integer(input);
        if (number != null) {
            return Operators.integer(number);
        }
        Double real = input instanceof Real own
                ? Double.valueOf(own.value())
                : input instanceof Text text ? NumberLiteral.parseReal(text.value()) : null;
        if (real == null || real.isNaN() || real.isInfinite()) {
            return fallback;
        }
        return new Int(new BigDecimal(real).toBigInteger());
    }

    private static Value toFloat(Rendering rendering, Value input, Arguments arguments) {
        Value fallback = arguments.bind("float", 0, "default")[0];
        if (input instanceof Undefined undefined) {
            throw undefined.error();
        }
        if (Values.isNumber(input)) {
            return new Real(Values.real(input));
        }
        Double real = input instanceof Text text ? NumberLiteral.parseReal(text.value()) : null;
        if (real != null) {
            return new Real(real);
        }
        return fallback == null ? new Real(0) : fallback;
    }

    private static Value abs(Rendering rendering, Value input, Arguments arguments) {
        arguments.bind("abs", 0);
        if (input instanceof Real real) {
            return new Real(Math.abs(real.value()));
        }
        BigInteger number = Values.integer(input);
        if (number == null) {
            throw input instanceof Undefined undefined
                    ? undefined.error()
                    : new TemplateError("bad operand type for abs(): '" + Values.typeName(input) + "'");
        }
        return new Int(number.abs());
    }

    private static Value round(Rendering rendering, Value input, Arguments arguments) {
        @Nullable Value[] given = arguments.bind("round", 0, "precision", "method");
        int precision = Values.intArgument(given[0], 0);
        String method = given[1] == null
                ? "common"
                : Values.textArgument(given[1], "the method").value();
        if (input instanceof Undefined undefined) {
            throw undefined.error();
        }
        if (!Values.isNumber(input)) {
            throw new TemplateError("type " + Values.typeName(input) + " doesn't define __round__ method");
        }
        return switch (method) {
            case "common" -> round(input, precision);
            case "ceil" -> scaled(rendering, input, precision, RoundingMode.CEILING);
            case "floor" -> scaled(rendering, input, precision, RoundingMode.FLOOR);
            default -> throw new TemplateError("method must be common, ceil or floor");
        };
    }

    private static Value round(Value input, int precision) {
        BigInteger number = Values.integer(input);
        if (number != null) {
            if (precision >= 0) {
                return new Int(number);
            }
            if (precision < -Operators.MAX_BITS) {
                return Int.of(0);
            }
            return new Int(new BigDecimal(number)
                    .setScale(precision, RoundingMode.HALF_EVEN)
                    .toBigInteger());
        }
        double value = Values.real(input);
        if (Double.isNaN(value) || Double.isInfinite(value) || precision > MAX_PRECISION) {
            return input;
        }
        if (precision < -MAX_PRECISION) {
            return new Real(Math.copySign(0.0, value));
        }
        double rounded = new BigDecimal(value)
                .setScale(precision, RoundingMode.HALF_EVEN)
                .doubleValue();
        return new Real(Math.copySign(rounded, value));
    }

    /** Jinja scales, rounds to an integer and scales back, with floats. */
    private static Value scaled(Rendering rendering, Value input, int precision, RoundingMode mode) {
        if (Math.abs(precision) > MAX_PRECISION) {
            throw new TemplateError("a precision of " + precision + " is beyond " + MAX_PRECISION);
        }
        Value scale = Operators.apply(rendering, "**", Int.of(10), Int.of(precision));
        Value scaled = Operators.apply(rendering, "*", input, scale);
        if (scaled instanceof Real real) {
            if (Double.isNaN(real.value()) || Double.isInfinite(real.value())) {
                throw new TemplateError("cannot convert float " + Printer.real(real.value()) + " to integer");
            }
            scaled = new Int(new BigDecimal(real.value()).setScale(0, mode).toBigInteger());
        }
        return Operators.apply(rendering, "/", scaled, scale);
    }

    private static Value sum(Rendering rendering, Value input, Arguments arguments) {
        @Nullable Value[] given = arguments.bind("sum", 0, "attribute", "start");
        List<Value> path = Attributes.parts(given[0]);
        Value total = given[1] == null ? Int.of(0) : given[1];
        for (Iterator<Value> items = Values.iterate(rendering, input); items.hasNext(); ) {
            total = Operators.apply(rendering, "+", total, Attributes.path(rendering, items.next(), path, null));
        }
        return total;
    }

    private static Value fileSize(Rendering rendering, Value input, Arguments arguments) {
        boolean binary = Values.boolArgument(arguments.bind("filesizeformat", 0, "binary")[0], false);
        Double parsed =
                input instanceof Text text ? NumberLiteral.parseReal(text.value()) : Double.valueOf(Values.real(input));
        if (parsed == null || parsed.isNaN() || parsed.isInfinite()) {
            throw new TemplateError("filesizeformat needs a number");
        }
        double bytes = parsed;
        double base = binary ? 1024 : 1000;
        if (bytes == 1) {
            return Text.of("1 Byte");
        }
        if (bytes < base) {
            return Text.of(new BigDecimal(bytes).toBigInteger() + " Bytes");
        }
        double unit = base * base;
        String prefixes = "kMGTPEZY";
        int index = 0;
        while (index < prefixes.length() - 1 && bytes >= unit) {
            unit *= base;
            index++;
        }
        String name = (binary
                        ? prefixes.substring(index, index + 1).toUpperCase(java.util.Locale.ROOT) + "i"
                        : prefixes.charAt(index) + "")
                + "B";
        return Text.of(FloatFormat.format(base * bytes / unit, 'f', 1, false) + " " + name);
    }
}
