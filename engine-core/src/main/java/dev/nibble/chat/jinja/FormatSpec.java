package dev.nibble.chat.jinja;

import dev.nibble.chat.jinja.Value.Bool;
import dev.nibble.chat.jinja.Value.Int;
import dev.nibble.chat.jinja.Value.Real;
import dev.nibble.chat.jinja.Value.Undefined;
import java.math.BigInteger;
import java.util.Locale;

/** The part after the colon of a replacement field: {@code [[fill]align][sign][#][0][width][,][.precision][type]}. */
final class FormatSpec {
    private final String text;
    private int at;
    private String fill = " ";
    private char align; // 0 when not given
    private char sign = '-';
    private boolean alternate;
    private int width;
    private char grouping; // 0 when not given
    private int precision = -1;
    private char type; // 0 when not given

    private FormatSpec(String text) {
        this.text = text;
        parse();
    }

    static Text format(Rendering rendering, Value value, String specification) {
        if (specification.isEmpty()) {
            return Printer.str(rendering, value);
        }
        FormatSpec spec = new FormatSpec(specification);
        return switch (value) {
            case Text text -> spec.text(rendering, text);
            case Bool bool
            when spec.type == 0 || spec.type == 's' -> spec.text(rendering, Printer.str(rendering, bool));
            case Bool bool -> spec.integer(rendering, bool == Bool.TRUE ? BigInteger.ONE : BigInteger.ZERO);
            case Int number -> spec.integer(rendering, number.value());
            case Real real -> spec.real(rendering, real.value());
            case Undefined undefined -> throw undefined.error();
            default ->
                throw new TemplateError(
                        "unsupported format string passed to " + Values.typeName(value) + ".__format__");
        };
    }

    private void parse() {
        int second = text.offsetByCodePoints(0, 1);
        if (second < text.length() && "<>=^".indexOf(text.charAt(second)) >= 0) {
            fill = text.substring(0, second);
            align = text.charAt(second);
            at = second + 1;
        } else if (skip("<>=^")) {
            align = text.charAt(at - 1);
        }
        if (skip("+- ")) {
            sign = text.charAt(at - 1);
        }
        alternate = skip("#");
        if (skip("0") && align == 0) {
            align = '=';
            fill = "0";
        }
        width = number(0);
        if (skip(",_")) {
            grouping = text.charAt(at - 1);
        }
        if (skip(".")) {
            precision = number(-1);
            if (precision < 0) {
                throw new TemplateError("Format specifier missing precision");
            }
        }
        if (at < text.length()) {
            type = text.charAt(at++);
        }
        if (at < text.length()) {
            throw new TemplateError("Invalid format specifier '" + text + "'");
        }
    }

    private boolean skip(String characters) {
        boolean found = at < text.length() && characters.indexOf(text.charAt(at)) >= 0;
        at += found ? 1 : 0;
        return found;
    }

    private int number(int fallback) {
        int start = at;
        long number = 0;
        while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
            number = Math.min(Integer.MAX_VALUE, number * 10 + text.charAt(at++) - '0');
        }
        return at == start ? fallback : (int) number;
    }

    private TemplateError unknownType(String of) {
        return new TemplateError("Unknown format code '" + type + "' for object of type '" + of + "'");
    }

    private Text text(Rendering rendering, Text value) {
        if (type != 0 && type != 's') {
            throw unknownType("str");
        }
        if (align == '=') {
            if (!fill.equals("0")) {
                throw new TemplateError("'=' alignment not allowed in string format specifier");
            }
            align = '<';
        }
        Text shown = precision >= 0 && precision < value.codePoints() ? value.slice(0, value.offset(precision)) : value;
        return pad(rendering, Text.EMPTY, shown, '<');
    }

    private Text integer(Rendering rendering, BigInteger value) {
        switch (type) {
            case 'e', 'E', 'f', 'F', 'g', 'G', '%' -> {
                return real(rendering, Values.real(new Int(value)));
            }
            default -> {}
        }
        if (precision >= 0) {
            throw new TemplateError("Precision not allowed in integer format specifier");
        }
        int radix = switch (type) {
            case 0, 'd', 'n' -> 10;
            case 'x', 'X' -> 16;
            case 'o' -> 8;
            case 'b' -> 2;
            case 'c' -> 0;
            default -> throw unknownType("int");
        };
        if (radix == 0) {
            int code = Values.clamp(value);
            if (!Character.isValidCodePoint(code)) {
                throw new TemplateError("a character is an int in range(0x110000)");
            }
            return pad(rendering, Text.EMPTY, Text.of(Character.toString(code)), '<');
        }
        String digits = value.abs().toString(radix);
        String prefix = alternate && radix != 10 ? "0" + Character.toLowerCase(type) : "";
        if (type == 'X') {
            digits = digits.toUpperCase(Locale.ROOT);
            prefix = prefix.toUpperCase(Locale.ROOT);
        }
        return number(rendering, value.signum() < 0, prefix, digits, radix == 10 ? 3 : 4);
    }

    private Text real(Rendering rendering, double value) {
        boolean negative = value < 0 || value == 0 && 1 / value < 0;
        String digits;
        switch (type) {
            case 0 -> {
                if (precision < 0) {
                    digits = Printer.real(Math.abs(value));
                } else {
                    digits = FloatFormat.format(value, 'g', precision, alternate);
                    boolean plain = digits.chars().allMatch(c -> c >= '0' && c <= '9');
                    digits += plain && digits.length() < Math.max(1, precision) ? ".0" : "";
                }
            }
            case 'e', 'E', 'f', 'F', 'g', 'G' ->
                digits = FloatFormat.format(value, type, precision < 0 ? 6 : precision, alternate);
            case '%' -> digits = FloatFormat.format(value * 100, 'f', precision < 0 ? 6 : precision, false) + "%";
            default -> throw unknownType("float");
        }
        return number(rendering, negative, "", digits, 3);
    }

    private Text number(Rendering rendering, boolean negative, String prefix, String digits, int group) {
        String shown = grouping == 0 ? digits : grouped(digits, group);
        String signShown = negative ? "-" : sign == '-' ? "" : String.valueOf(sign);
        return pad(rendering, Text.of(signShown + prefix), Text.of(shown), '>');
    }

    private String grouped(String digits, int group) {
        int end = 0;
        while (end < digits.length() && Character.digit(digits.charAt(end), 16) >= 0 && digits.charAt(end) != 'e') {
            end++;
        }
        if (grouping == ',' && group != 3) {
            throw new TemplateError("Cannot specify ',' with '" + type + "'.");
        }
        StringBuilder whole = new StringBuilder(digits.substring(0, end));
        if (align == '=' && fill.equals("0")) { // zeros that fill are grouped too
            throw TemplateError.unsupported("a format with both grouping and zero fill");
        }
        for (int i = end - group; i > 0; i -= group) {
            whole.insert(i, grouping);
        }
        return whole + digits.substring(end);
    }

    private Text pad(Rendering rendering, Text prefix, Text body, char usual) {
        int missing = Math.max(0, width - prefix.codePoints() - body.codePoints());
        char how = align == 0 ? usual : align;
        int before = switch (how) {
            case '<', '=' -> 0;
            case '^' -> missing / 2;
            default -> missing;
        };
        int inside = how == '=' ? missing : 0;
        Text filling = Text.of(fill);
        return new TextBuilder(rendering)
                .repeat(filling, before)
                .append(prefix)
                .repeat(filling, inside)
                .append(body)
                .repeat(filling, missing - before - inside)
                .build();
    }
}
