package dev.nibble.chat.jinja;

import dev.nibble.chat.jinja.Value.Real;
import dev.nibble.chat.jinja.Value.Undefined;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Locale;

/** {@code "text %s" % values}, which is also the filter {@code format}. */
final class PercentFormat {
    private final Rendering rendering;
    private final Text format;
    private final Value values;
    private final TextBuilder out;
    private int at;
    private int used;

    private PercentFormat(Rendering rendering, Text format, Value values) {
        this.rendering = rendering;
        this.format = format;
        this.values = values;
        this.out = new TextBuilder(rendering);
    }

    static Text format(Rendering rendering, Text format, Value values) {
        return new PercentFormat(rendering, format, values).run();
    }

    private Text run() {
        String text = format.value();
        int plain = 0;
        for (at = text.indexOf('%'); at >= 0; at = text.indexOf('%', plain)) {
            rendering.step();
            out.append(format, plain, at);
            at++;
            directive();
            plain = at;
        }
        out.append(format, plain, text.length());
        boolean all = values instanceof ListValue list && list.isTuple() ? used == list.size() : used == 1;
        boolean mapping = values instanceof DictValue
                || values instanceof ListValue list && !list.isTuple()
                || values instanceof Value.Range
                || values instanceof Undefined;
        if (!all && !mapping) { // what can be asked for an item need not be used
            throw new TemplateError("not all arguments converted during string formatting");
        }
        return out.build();
    }

    private char character() {
        if (at >= format.length()) {
            throw new TemplateError("incomplete format");
        }
        return format.value().charAt(at);
    }

    private void directive() {
        Value value = null;
        if (character() == '(') {
            int end = format.value().indexOf(')', at);
            if (end < 0) {
                throw new TemplateError("incomplete format key");
            }
            if (!(values instanceof DictValue dict)) {
                throw new TemplateError("format requires a mapping");
            }
            String key = format.value().substring(at + 1, end);
            value = dict.get(key);
            if (value == null) {
                throw new TemplateError("the format names '" + key + "', which the mapping lacks");
            }
            at = end + 1;
        }
        String flags = "";
        while ("#0- +".indexOf(character()) >= 0) {
            flags += character();
            at++;
        }
        int width = number();
        if (width < 0) {
            flags += '-';
            width = -width;
        }
        int precision = -1;
        if (character() == '.') {
            at++;
            precision = Math.max(0, number());
        }
        while ("hlL".indexOf(character()) >= 0) {
            at++;
        }
        char type = character();
        at++;
        if (type == '%') {
            out.append("%");
            return;
        }
        write(type, value == null ? next() : value, flags, width, precision);
    }

    /** Digits, or {@code *} for the next value. */
    private int number() {
        if (character() == '*') {
            at++;
            return Values.intArgument(next(), 0);
        }
        long number = 0;
        while (Character.digit(character(), 10) >= 0 && character() < 0x80) {
            number = Math.min(Integer.MAX_VALUE - 1, number * 10 + Character.digit(character(), 10));
            at++;
        }
        return (int) number;
    }

    private Value next() {
        if (values instanceof ListValue list && list.isTuple()) {
            if (used < list.size()) {
                return list.get(used++);
            }
        } else if (used == 0) {
            used++;
            return values;
        }
        throw new TemplateError("not enough arguments for format string");
    }

    private void write(char type, Value value, String flags, int width, int precision) {
        switch (type) {
            case 's', 'r', 'a' -> {
                Text text = type == 's' ? Printer.str(rendering, value) : Printer.repr(rendering, value);
                if (precision >= 0 && precision < text.codePoints()) {
                    text = text.slice(0, text.offset(precision));
                }
                pad(Text.EMPTY, text, flags.replace("0", ""), width);
            }
            case 'c' -> pad(Text.EMPTY, single(value), flags.replace("0", ""), width);
            case 'd', 'i', 'u', 'x', 'X', 'o' -> {
                BigInteger number = integer(value, type);
                int radix = type == 'o' ? 8 : type == 'x' || type == 'X' ? 16 : 10;
                String digits = number.abs().toString(radix);
                rendering.characters(Math.max(0, precision));
                digits = "0".repeat(Math.max(0, precision - digits.length())) + digits;
                String prefix = radix == 10 || flags.indexOf('#') < 0 ? "" : radix == 8 ? "0o" : "0x";
                String shown = prefix + digits;
                shown = type == 'X' ? shown.toUpperCase(Locale.ROOT) : shown;
                String sign = sign(number.signum() < 0, flags);
                pad(
                        Text.of(sign + shown.substring(0, prefix.length())),
                        Text.of(shown.substring(prefix.length())),
                        flags,
                        width);
            }
            case 'e', 'E', 'f', 'F', 'g', 'G' -> {
                double number = real(value);
                boolean negative = number < 0 || 1 / number < 0;
                String digits =
                        FloatFormat.format(number, type, precision < 0 ? 6 : precision, flags.indexOf('#') >= 0);
                pad(Text.of(sign(negative, flags)), Text.of(digits), flags, width);
            }
            default -> throw new TemplateError("unsupported format character '" + type + "' at index " + (at - 1));
        }
    }

    private static Text single(Value value) {
        if (value instanceof Text text && text.codePoints() == 1) {
            return text;
        }
        BigInteger number = Values.integer(value);
        int code = number == null ? -1 : Values.clamp(number);
        if (!Character.isValidCodePoint(code)) {
            throw new TemplateError("a character is an int in range(0x110000) or a single character");
        }
        return Text.of(Character.toString(code));
    }

    private static BigInteger integer(Value value, char type) {
        if (value instanceof Undefined undefined) {
            throw undefined.error();
        }
        if (value instanceof Real real && "diu".indexOf(type) >= 0) {
            if (Double.isNaN(real.value()) || Double.isInfinite(real.value())) {
                throw new TemplateError("cannot convert float " + Printer.real(real.value()) + " to integer");
            }
            return new BigDecimal(real.value()).toBigInteger();
        }
        BigInteger number = Values.integer(value);
        if (number == null) {
            throw new TemplateError("%" + type + " format: a number is required, not " + Values.typeName(value));
        }
        return number;
    }

    private static double real(Value value) {
        if (value instanceof Undefined undefined) {
            throw undefined.error();
        }
        if (value instanceof Text text) {
            throw new TemplateError("must be real number, not " + Values.typeName(text));
        }
        return Values.real(value);
    }

    private static String sign(boolean negative, String flags) {
        return negative ? "-" : flags.indexOf('+') >= 0 ? "+" : flags.indexOf(' ') >= 0 ? " " : "";
    }

    private void pad(Text prefix, Text body, String flags, int width) {
        int missing = Math.max(0, width - prefix.codePoints() - body.codePoints());
        boolean left = flags.indexOf('-') >= 0;
        boolean zeros = !left && flags.indexOf('0') >= 0;
        out.repeat(Text.of(" "), left || zeros ? 0 : missing);
        out.append(prefix);
        out.repeat(Text.of("0"), zeros ? missing : 0);
        out.append(body);
        out.repeat(Text.of(" "), left ? missing : 0);
    }

    /** The filter: the arguments are the values. */
    static Text filter(Rendering rendering, Text format, Arguments arguments) {
        if (!arguments.named().isEmpty()) {
            if (!arguments.positional().isEmpty()) {
                throw new TemplateError("can't handle positional and keyword arguments at the same time");
            }
            return format(rendering, format, Globals.dict(rendering, arguments));
        }
        return format(rendering, format, ListValue.tuple(arguments.positional()));
    }
}
