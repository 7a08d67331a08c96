package dev.nibble.chat.jinja;

import dev.nibble.chat.jinja.Value.Bool;
import dev.nibble.chat.jinja.Value.Int;
import dev.nibble.chat.jinja.Value.None;
import dev.nibble.chat.jinja.Value.Real;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** {@code tojson}: what Python's {@code json.dumps} writes, by default without escaping what is not ASCII. */
final class Json {
    private final Rendering rendering;
    private final TextBuilder out;
    private final boolean ascii;
    private final boolean sortKeys;
    private final @Nullable Text indent;
    private final Text itemSeparator;
    private final Text keySeparator;

    private Json(Rendering rendering, @Nullable Value[] options) {
        this.rendering = rendering;
        this.out = new TextBuilder(rendering);
        this.ascii = Values.boolArgument(options[0], false);
        this.indent = indent(options[1]);
        Value separators = options[2];
        if (separators instanceof ListValue pair && pair.size() == 2) {
            this.itemSeparator = Values.textArgument(pair.get(0), "a separator");
            this.keySeparator = Values.textArgument(pair.get(1), "a separator");
        } else if (Values.isNone(separators)) {
            this.itemSeparator = Text.of(indent == null ? ", " : ",");
            this.keySeparator = Text.of(": ");
        } else {
            throw new TemplateError("tojson: separators must be a pair of strings");
        }
        this.sortKeys = Values.boolArgument(options[3], false);
    }

    /** Writes {@code value} with the options {@code ensure_ascii, indent, separators, sort_keys}. */
    static Text dumps(Rendering rendering, Value value, Arguments arguments) {
        Json json =
                new Json(rendering, arguments.bind("tojson", 0, "ensure_ascii", "indent", "separators", "sort_keys"));
        json.write(value, 0);
        return json.out.build();
    }

    private @Nullable Text indent(@Nullable Value option) {
        if (Values.isNone(option)) {
            return null;
        }
        if (option instanceof Text text) {
            return text;
        }
        return new TextBuilder(rendering)
                .repeat(Text.of(" "), Values.intArgument(option, 0))
                .build();
    }

    private void write(Value value, int level) {
        rendering.step();
        switch (value) {
            case None none -> out.append("null");
            case Bool bool -> out.append(bool == Bool.TRUE ? "true" : "false");
            case Int number -> out.append(number.value().toString());
            case Real real -> out.append(real(real.value()));
            case Text text -> quote(text);
            case ListValue list -> writeList(list, level);
            case DictValue dict -> writeDict(dict, level);
            default ->
                throw new TemplateError("Object of type " + Values.typeName(value) + " is not JSON serializable");
        }
    }

    private void writeList(ListValue list, int level) {
        if (list.size() == 0) {
            out.append("[]");
            return;
        }
        rendering.enter();
        out.append("[");
        for (int i = 0; i < list.size(); i++) {
            if (i > 0) {
                out.append(itemSeparator);
            }
            newLine(level + 1);
            write(list.get(i), level + 1);
        }
        newLine(level);
        out.append("]");
        rendering.exit();
    }

    private void writeDict(DictValue dict, int level) {
        if (dict.size() == 0) {
            out.append("{}");
            return;
        }
        rendering.enter();
        out.append("{");
        boolean first = true;
        for (DictValue.Entry entry : entries(dict)) {
            if (!first) {
                out.append(itemSeparator);
            }
            first = false;
            newLine(level + 1);
            quote(key(entry.key()));
            out.append(keySeparator);
            write(entry.value(), level + 1);
        }
        newLine(level);
        out.append("}");
        rendering.exit();
    }

    private Iterable<DictValue.Entry> entries(DictValue dict) {
        if (!sortKeys) {
            return dict.entries();
        }
        List<Value> keys = new ArrayList<>();
        dict.entries().forEach(entry -> keys.add(entry.key()));
        List<DictValue.Entry> sorted = new ArrayList<>();
        for (Value key : Comparison.sort(rendering, keys, keys, false)) {
            Value value = dict.get(key);
            sorted.add(new DictValue.Entry(key, value == null ? None.NONE : value));
        }
        return sorted;
    }

    private static Text key(Value key) {
        return switch (key) {
            case Text text -> text;
            case None none -> Text.of("null");
            case Bool bool -> Text.of(bool == Bool.TRUE ? "true" : "false");
            case Int number -> Text.of(number.value().toString());
            case Real real -> Text.of(real(real.value()));
            default ->
                throw new TemplateError("keys must be str, int, float, bool or None, not " + Values.typeName(key));
        };
    }

    private void newLine(int level) {
        if (indent != null) {
            out.append("\n").repeat(indent, level);
        }
    }

    private static String real(double value) {
        if (Double.isNaN(value)) {
            return "NaN";
        }
        if (Double.isInfinite(value)) {
            return value > 0 ? "Infinity" : "-Infinity";
        }
        return Printer.real(value);
    }

    private void quote(Text text) {
        out.append("\"");
        String value = text.value();
        int plain = 0; // start of the run that needs no escape
        for (int i = 0; i < value.length(); i++) {
            String escape = escape(value.charAt(i));
            if (escape != null) {
                out.append(text, plain, i);
                out.append(escape, text.isTrusted());
                plain = i + 1;
            }
        }
        out.append(text, plain, value.length());
        out.append("\"");
    }

    private @Nullable String escape(char c) {
        return switch (c) {
            case '"' -> "\\\"";
            case '\\' -> "\\\\";
            case '\n' -> "\\n";
            case '\r' -> "\\r";
            case '\t' -> "\\t";
            case '\f' -> "\\f";
            case '\b' -> "\\b";
            default -> c < ' ' || ascii && c > '~' ? String.format(Locale.ROOT, "\\u%04x", (int) c) : null;
        };
    }
}
