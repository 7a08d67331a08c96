package dev.nibble.chat.jinja;

import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The filters that make text of text. */
final class TextFilters {
    private TextFilters() {}

    static void addTo(Map<String, Filters.Filter> filters) {
        filters.put("upper", (rendering, input, arguments) -> rewrite(rendering, "upper", input, arguments));
        filters.put("lower", (rendering, input, arguments) -> rewrite(rendering, "lower", input, arguments));
        filters.put("capitalize", (rendering, input, arguments) -> rewrite(rendering, "capitalize", input, arguments));
        filters.put("title", (rendering, input, arguments) -> rewrite(rendering, "title", input, arguments));
        filters.put("string", (rendering, input, arguments) -> {
            arguments.bind("string", 0);
            return Printer.str(rendering, input);
        });
        filters.put("safe", (rendering, input, arguments) -> {
            arguments.bind("safe", 0);
            return Printer.str(rendering, input).asMarkup(true);
        });
        filters.put("escape", (rendering, input, arguments) -> escape(rendering, Printer.str(rendering, input)));
        filters.put("e", (rendering, input, arguments) -> escape(rendering, Printer.str(rendering, input)));
        filters.put(
                "forceescape",
                (rendering, input, arguments) ->
                        escape(rendering, Printer.str(rendering, input).asMarkup(false)));
        filters.put("trim", (rendering, input, arguments) -> {
            Value characters = arguments.bind("trim", 0, "chars")[0];
            Text set = Values.isNone(characters) ? null : Values.textArgument(Filters.required(characters), "chars");
            return StringSearch.strip(Printer.str(rendering, input), set, true, true);
        });
        filters.put("replace", (rendering, input, arguments) -> {
            @Nullable Value[] given = arguments.bind("replace", 2, "old", "new", "count");
            return StringSearch.replace(
                    rendering,
                    Printer.str(rendering, input).asMarkup(false),
                    Printer.str(rendering, Filters.required(given[0])),
                    Printer.str(rendering, Filters.required(given[1])),
                    Values.isNone(given[2]) ? -1 : Values.intArgument(given[2], -1));
        });
        filters.put(
                "format",
                (rendering, input, arguments) ->
                        PercentFormat.filter(rendering, Printer.str(rendering, input), arguments));
        filters.put("center", TextFilters::center);
        filters.put("indent", TextFilters::indent);
        filters.put("truncate", TextFilters::truncate);
        filters.put("wordcount", TextFilters::wordCount);
        filters.put("urlencode", TextFilters::urlEncode);
        filters.put("striptags", (rendering, input, arguments) -> {
            arguments.bind("striptags", 0);
            return TextMethods.rewrite(rendering, Printer.str(rendering, input).asMarkup(false), Tags::strip);
        });
    }

    private static Value rewrite(Rendering rendering, String name, Value input, Arguments arguments) {
        arguments.bind(name, 0);
        Text text = Printer.str(rendering, input);
        return TextMethods.rewrite(rendering, text, value -> switch (name) {
            case "upper" -> value.toUpperCase(Locale.ROOT);
            case "lower" -> value.toLowerCase(Locale.ROOT);
            case "capitalize" -> TextMethods.capitalize(value);
            default -> title(value);
        });
    }

    /** Unlike {@code str.title()}, a word also goes on after an apostrophe or a digit. */
    private static String title(String text) {
        StringBuilder out = new StringBuilder(text.length());
        boolean inside = false;
        for (int i = 0; i < text.length(); ) {
            int c = text.codePointAt(i);
            String one = Character.toString(c);
            boolean separator = Characters.isSpace(c) || "-({[<".indexOf(c) >= 0;
            out.append(inside ? one.toLowerCase(Locale.ROOT) : one.toUpperCase(Locale.ROOT));
            inside = !separator;
            i += one.length();
        }
        return out.toString();
    }

    /** The text with the characters of HTML replaced, unless that was done before. */
    static Text escape(Rendering rendering, Text text) {
        if (text.isMarkup()) {
            return text;
        }
        TextBuilder out = new TextBuilder(rendering);
        int plain = 0;
        for (int i = 0; i < text.length(); i++) {
            String entity = switch (text.value().charAt(i)) {
                case '&' -> "&amp;";
                case '<' -> "&lt;";
                case '>' -> "&gt;";
                case '"' -> "&#34;";
                case '\'' -> "&#39;";
                default -> "";
            };
            if (!entity.isEmpty()) {
                out.append(text, plain, i).append(entity, text.isTrusted());
                plain = i + 1;
            }
        }
        return out.append(text, plain, text.length()).build().asMarkup(true);
    }

    private static Value center(Rendering rendering, Value input, Arguments arguments) {
        int width = Values.intArgument(arguments.bind("center", 0, "width")[0], 80);
        TextMethods.Method center = TextMethods.find("center");
        return center == null
                ? input
                : center.call(rendering, Printer.str(rendering, input), Arguments.of(Value.Int.of(width)));
    }

    private static Value indent(Rendering rendering, Value input, Arguments arguments) {
        @Nullable Value[] given = arguments.bind("indent", 0, "width", "first", "blank");
        Text text = Values.textArgument(input, "the text to indent");
        Text indent = given[0] instanceof Text own
                ? own
                : new TextBuilder(rendering)
                        .repeat(Text.of(" "), Values.intArgument(given[0], 4))
                        .build();
        boolean first = Values.boolArgument(given[1], false);
        boolean blank = Values.boolArgument(given[2], false);
        // what follows the last line break is a line of its own, even when empty
        Text whole = new TextBuilder(rendering).append(text).append("\n").build();
        List<Value> lines = StringSearch.lines(rendering, whole, false);
        TextBuilder out = new TextBuilder(rendering);
        for (int i = 0; i < lines.size(); i++) {
            Text line = (Text) lines.get(i);
            if (i > 0) {
                out.append("\n");
            }
            if (i == 0 ? first : blank || !line.isEmpty()) {
                out.append(indent);
            }
            out.append(line);
        }
        return out.build();
    }

    private static Value truncate(Rendering rendering, Value input, Arguments arguments) {
        @Nullable Value[] given = arguments.bind("truncate", 0, "length", "killwords", "end", "leeway");
        Text text = Values.textArgument(input, "the text to truncate");
        int length = Values.intArgument(given[0], 255);
        boolean killWords = Values.boolArgument(given[1], false);
        Text end = given[2] == null ? Text.of("...") : Values.textArgument(given[2], "end");
        int leeway = Values.isNone(given[3]) ? 5 : Values.intArgument(given[3], 5);
        if (length < end.codePoints() || leeway < 0) {
            throw new TemplateError("truncate: expected length >= " + end.codePoints() + " and leeway >= 0, got "
                    + length + " and " + leeway);
        }
        if (text.codePoints() <= (long) length + leeway) {
            return text;
        }
        Text kept = text.slice(0, text.offset(length - end.codePoints()));
        int space = killWords ? -1 : kept.value().lastIndexOf(' ');
        return new TextBuilder(rendering)
                .append(space < 0 ? kept : kept.slice(0, space))
                .append(end)
                .build();
    }

    private static Value wordCount(Rendering rendering, Value input, Arguments arguments) {
        arguments.bind("wordcount", 0);
        int count = 0;
        boolean inside = false;
        for (int c : Printer.str(rendering, input).value().codePoints().toArray()) {
            boolean word = Characters.isWord(c);
            count += word && !inside ? 1 : 0;
            inside = word;
        }
        return Value.Int.of(count);
    }

    private static Value urlEncode(Rendering rendering, Value input, Arguments arguments) {
        arguments.bind("urlencode", 0);
        TextBuilder out = new TextBuilder(rendering);
        if (input instanceof Text || !Values.isIterable(input)) {
            quote(Printer.str(rendering, input), false, out);
            return out.build();
        }
        Value pairs = input instanceof DictValue dict ? new Value.View(dict, Value.View.Part.ITEMS) : input;
        for (Iterator<Value> all = Values.iterate(rendering, pairs); all.hasNext(); ) {
            List<Value> pair = Values.toList(rendering, all.next());
            if (pair.size() != 2) {
                throw new TemplateError("urlencode needs pairs; found " + pair.size() + " items instead of 2");
            }
            out.append(out.length() == 0 ? "" : "&");
            quote(Printer.str(rendering, pair.get(0)), true, out);
            out.append("=");
            quote(Printer.str(rendering, pair.get(1)), true, out);
        }
        return out.build();
    }

    private static void quote(Text text, boolean query, TextBuilder out) {
        StringBuilder quoted = new StringBuilder();
        for (byte b : text.value().getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (b & 0xff);
            boolean plain = c < 0x80 && (Character.isLetterOrDigit(c) || "_.-~".indexOf(c) >= 0);
            if (plain || c == '/' && !query) {
                quoted.append(c);
            } else if (c == ' ' && query) {
                quoted.append('+');
            } else {
                quoted.append(String.format(Locale.ROOT, "%%%02X", (int) c));
            }
        }
        out.append(quoted.toString(), text.isTrusted());
    }
}
