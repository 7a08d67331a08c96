package dev.nibble.chat.jinja;

import dev.nibble.chat.jinja.Value.Int;
import org.jspecify.annotations.Nullable;

/** {@code "text {} {name.attribute[0]!r:>10}".format(...)}. */
final class BraceFormat {
    private final Rendering rendering;
    private final Arguments arguments;
    private int automatic; // the next field without a number; -1 once fields are numbered

    private BraceFormat(Rendering rendering, Arguments arguments) {
        this.rendering = rendering;
        this.arguments = arguments;
    }

    static Value format(Rendering rendering, Text self, Arguments arguments) {
        return new BraceFormat(rendering, arguments).expand(self, 0);
    }

    private Text expand(Text format, int depth) {
        if (depth > 1) {
            throw new TemplateError("Max string recursion exceeded");
        }
        TextBuilder out = new TextBuilder(rendering);
        String text = format.value();
        int plain = 0;
        int i = 0;
        while (i < text.length()) {
            char c = text.charAt(i);
            if (c != '{' && c != '}') {
                i++;
                continue;
            }
            rendering.step();
            boolean doubled = i + 1 < text.length() && text.charAt(i + 1) == c;
            if (doubled) {
                out.append(format, plain, i + 1);
                i += 2;
                plain = i;
                continue;
            }
            if (c == '}') {
                throw new TemplateError("Single '}' encountered in format string");
            }
            out.append(format, plain, i);
            int end = fieldEnd(text, i + 1);
            out.append(field(format.slice(i + 1, end), depth));
            i = end + 1;
            plain = i;
        }
        return out.append(format, plain, text.length()).build();
    }

    /** The index of the brace that closes the field, which may hold fields in its specification. */
    private static int fieldEnd(String text, int from) {
        int open = 1;
        for (int i = from; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '[') {
                int close = text.indexOf(']', i);
                i = close < 0 ? i : close;
            } else if (c == '{') {
                open++;
            } else if (c == '}' && --open == 0) {
                return i;
            }
        }
        throw new TemplateError("expected '}' before end of string");
    }

    private Text field(Text field, int depth) {
        String text = field.value();
        int nameEnd = 0;
        while (nameEnd < text.length() && text.charAt(nameEnd) != '!' && text.charAt(nameEnd) != ':') {
            int close = text.charAt(nameEnd) == '[' ? text.indexOf(']', nameEnd) : -1;
            nameEnd = close < 0 ? nameEnd + 1 : close + 1;
        }
        Value value = lookUp(text.substring(0, nameEnd));
        int next = nameEnd;
        if (text.startsWith("!", next)) {
            String conversion = text.substring(next + 1, Math.min(next + 2, text.length()));
            value = switch (conversion) {
                case "r", "a" -> Printer.repr(rendering, value);
                case "s" -> Printer.str(rendering, value);
                default -> throw new TemplateError("Unknown conversion specifier '" + conversion + "'");
            };
            next += 2;
        }
        if (next < text.length() && text.charAt(next) != ':') {
            throw new TemplateError("expected ':' after conversion specifier");
        }
        Text specification =
                next < text.length() ? expand(field.slice(next + 1, field.length()), depth + 1) : Text.EMPTY;
        return FormatSpec.format(rendering, value, specification.value());
    }

    private Value lookUp(String name) {
        int end = 0;
        while (end < name.length() && name.charAt(end) != '.' && name.charAt(end) != '[') {
            end++;
        }
        Value value = argument(name.substring(0, end));
        while (end < name.length()) {
            int start = end + 1;
            if (name.charAt(end) == '[') {
                end = name.indexOf(']', start);
                if (end < 0) {
                    throw new TemplateError("Missing ']' in format string");
                }
                value = Attributes.item(rendering, value, index(name.substring(start, end)));
                end++;
                if (end < name.length() && name.charAt(end) != '.' && name.charAt(end) != '[') {
                    throw new TemplateError("Only '.' or '[' may follow ']' in format field specifier");
                }
            } else {
                end = start;
                while (end < name.length() && name.charAt(end) != '.' && name.charAt(end) != '[') {
                    end++;
                }
                if (end == start) {
                    throw new TemplateError("Empty attribute in format string");
                }
                value = Attributes.attribute(rendering, value, name.substring(start, end));
            }
        }
        return value;
    }

    private static boolean isNumber(String text) {
        return !text.isEmpty() && text.length() < 10 && text.chars().allMatch(c -> c >= '0' && c <= '9');
    }

    private static Value index(String text) {
        return isNumber(text) ? Int.of(Long.parseLong(text)) : Text.of(text);
    }

    private Value argument(String name) {
        boolean number = isNumber(name);
        if (!number && !name.isEmpty()) {
            @Nullable Value value = arguments.named().get(name);
            if (value == null) {
                throw new TemplateError("the format names '" + name + "', which is not among the arguments");
            }
            return value;
        }
        if (number ? automatic > 0 : automatic < 0) {
            throw new TemplateError("cannot switch between manual field specification and automatic field numbering");
        }
        int index = number ? Integer.parseInt(name) : automatic++;
        automatic = number ? -1 : automatic;
        if (index >= arguments.positional().size()) {
            throw new TemplateError("Replacement index " + index + " out of range for positional args tuple");
        }
        return arguments.positional().get(index);
    }
}
