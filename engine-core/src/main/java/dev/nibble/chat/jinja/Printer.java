package dev.nibble.chat.jinja;

import dev.nibble.chat.jinja.Value.Bool;
import dev.nibble.chat.jinja.Value.Int;
import dev.nibble.chat.jinja.Value.Lazy;
import dev.nibble.chat.jinja.Value.Namespace;
import dev.nibble.chat.jinja.Value.None;
import dev.nibble.chat.jinja.Value.Range;
import dev.nibble.chat.jinja.Value.Real;
import dev.nibble.chat.jinja.Value.Undefined;
import dev.nibble.chat.jinja.Value.View;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Locale;

/** Python's {@code str()} and {@code repr()}. */
final class Printer {
    private Printer() {}

    static Text str(Rendering rendering, Value value) {
        return switch (value) {
            case Text text -> text;
            case Undefined undefined -> Text.EMPTY;
            default -> {
                TextBuilder out = new TextBuilder(rendering);
                write(rendering, value, out);
                yield out.build();
            }
        };
    }

    /** What {@code {{ value }}} prints, without an object in between. */
    static void print(Rendering rendering, Value value, TextBuilder out) {
        switch (value) {
            case Text text -> out.append(text);
            case Undefined undefined -> {}
            default -> write(rendering, value, out);
        }
    }

    static Text repr(Rendering rendering, Value value) {
        TextBuilder out = new TextBuilder(rendering);
        write(rendering, value, out);
        return out.build();
    }

    private static void write(Rendering rendering, Value value, TextBuilder out) {
        rendering.step();
        switch (value) {
            case None none -> out.append("None");
            case Bool bool -> out.append(bool == Bool.TRUE ? "True" : "False");
            case Int number -> {
                rendering.steps(number.value().bitLength() >> 2); // decimal digits of a big integer take long
                out.append(number.value().toString());
            }
            case Real real -> out.append(real(real.value()));
            case Text text
            when text.isMarkup() -> {
                out.append("Markup(");
                quote(text, out);
                out.append(")");
            }
            case Text text -> quote(text, out);
            case Undefined undefined -> out.append("Undefined");
            case ListValue list -> {
                String end = !list.isTuple() ? "]" : list.size() == 1 ? ",)" : ")";
                writeAll(rendering, list.isTuple() ? "(" : "[", list.items(), end, out);
            }
            case DictValue dict -> writeDict(rendering, dict, out);
            case View view -> {
                out.append(Values.typeName(view)).append("(");
                writeAll(rendering, "[", Values.toList(rendering, view), "]", out);
                out.append(")");
            }
            case Range range -> {
                out.append("range(" + range.start() + ", " + range.stop());
                out.append(range.step() == 1 ? ")" : ", " + range.step() + ")");
            }
            case Namespace namespace -> {
                out.append("<Namespace ");
                writeDict(rendering, namespace.attributes(), out);
                out.append(">");
            }
            case Lazy lazy -> out.append("<generator object>");
            case Function function -> out.append("<function " + function.name() + ">");
            case LoopState loop -> out.append("<LoopContext " + loop.index() + "/" + loop.size() + ">");
        }
    }

    private static void writeAll(
            Rendering rendering, String open, Iterable<Value> items, String close, TextBuilder out) {
        rendering.enter();
        out.append(open);
        boolean first = true;
        for (Value item : items) {
            if (!first) {
                out.append(", ");
            }
            first = false;
            write(rendering, item, out);
        }
        out.append(close);
        rendering.exit();
    }

    private static void writeDict(Rendering rendering, DictValue dict, TextBuilder out) {
        rendering.enter();
        out.append("{");
        boolean first = true;
        for (DictValue.Entry entry : dict.entries()) {
            if (!first) {
                out.append(", ");
            }
            first = false;
            write(rendering, entry.key(), out);
            out.append(": ");
            write(rendering, entry.value(), out);
        }
        out.append("}");
        rendering.exit();
    }

    private static void quote(Text text, TextBuilder out) {
        String value = text.value();
        char quote = value.indexOf('\'') >= 0 && value.indexOf('"') < 0 ? '"' : '\'';
        out.append(String.valueOf(quote));
        int plain = 0; // start of the run that needs no escape
        for (int i = 0; i < value.length(); ) {
            int c = value.codePointAt(i);
            int next = i + Character.charCount(c);
            String escape = escape(c, quote);
            if (escape != null) {
                out.append(text, plain, i);
                out.append(escape, text.isTrusted());
                plain = next;
            }
            i = next;
        }
        out.append(text, plain, value.length());
        out.append(String.valueOf(quote));
    }

    private static @org.jspecify.annotations.Nullable String escape(int c, char quote) {
        return switch (c) {
            case '\\' -> "\\\\";
            case '\n' -> "\\n";
            case '\r' -> "\\r";
            case '\t' -> "\\t";
            default -> {
                if (c == quote) {
                    yield "\\" + quote;
                }
                if (Characters.isPrintable(c)) {
                    yield null;
                }
                yield String.format(Locale.ROOT, c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
            }
        };
    }

    /** A float as Python shows it: the shortest digits that read back, with an exponent below 1e-4 and from 1e16 on. */
    static String real(double value) {
        if (Double.isNaN(value)) {
            return "nan";
        }
        if (Double.isInfinite(value)) {
            return value > 0 ? "inf" : "-inf";
        }
        if (value == 0) {
            return 1 / value < 0 ? "-0.0" : "0.0";
        }
        BigDecimal shortest = new BigDecimal(Double.toString(Math.abs(value))).stripTrailingZeros();
        if (shortest.precision() == 2) { // Java gives two digits where one would do, for the smallest numbers
            BigDecimal one = shortest.round(new MathContext(1, RoundingMode.HALF_EVEN));
            if (one.doubleValue() == Math.abs(value)) {
                shortest = one.stripTrailingZeros();
            }
        }
        String digits = shortest.unscaledValue().toString();
        int exponent = digits.length() - 1 - shortest.scale(); // of the first digit
        StringBuilder out = new StringBuilder(value < 0 ? "-" : "");
        if (exponent < -4 || exponent >= 16) {
            out.append(digits.charAt(0));
            if (digits.length() > 1) {
                out.append('.').append(digits, 1, digits.length());
            }
            out.append('e').append(exponent < 0 ? '-' : '+');
            out.append(Math.abs(exponent) < 10 ? "0" : "").append(Math.abs(exponent));
        } else {
            String plain = shortest.toPlainString();
            out.append(plain).append(plain.indexOf('.') < 0 ? ".0" : "");
        }
        return out.toString();
    }
}
