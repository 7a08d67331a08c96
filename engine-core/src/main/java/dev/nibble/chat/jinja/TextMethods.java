package dev.nibble.chat.jinja;

import dev.nibble.chat.jinja.Value.Bool;
import dev.nibble.chat.jinja.Value.Int;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.IntPredicate;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** The methods of str. */
final class TextMethods {
    /** A method of a text. */
    @FunctionalInterface
    interface Method {
        Value call(Rendering rendering, Text self, Arguments arguments);
    }

    private static final Map<String, Method> METHODS = new HashMap<>();

    static {
        rewriting("upper", text -> text.toUpperCase(Locale.ROOT));
        rewriting("lower", text -> text.toLowerCase(Locale.ROOT));
        rewriting("casefold", text -> text.toUpperCase(Locale.ROOT).toLowerCase(Locale.ROOT));
        rewriting("capitalize", TextMethods::capitalize);
        rewriting("title", TextMethods::title);
        rewriting("swapcase", TextMethods::swapCase);
        METHODS.put("strip", (rendering, self, arguments) -> strip(self, arguments, true, true));
        METHODS.put("lstrip", (rendering, self, arguments) -> strip(self, arguments, true, false));
        METHODS.put("rstrip", (rendering, self, arguments) -> strip(self, arguments, false, true));
        METHODS.put("split", (rendering, self, arguments) -> split(rendering, self, arguments, false));
        METHODS.put("rsplit", (rendering, self, arguments) -> split(rendering, self, arguments, true));
        METHODS.put("splitlines", (rendering, self, arguments) -> {
            Value keep = arguments.bind("splitlines", 0, "keepends")[0];
            return ListValue.list(StringSearch.lines(rendering, self, Values.boolArgument(keep, false)));
        });
        METHODS.put("partition", (rendering, self, arguments) -> partition(rendering, self, arguments, false));
        METHODS.put("rpartition", (rendering, self, arguments) -> partition(rendering, self, arguments, true));
        METHODS.put("replace", TextMethods::replace);
        METHODS.put("join", TextMethods::join);
        METHODS.put("startswith", (rendering, self, arguments) -> affix(self, arguments, true));
        METHODS.put("endswith", (rendering, self, arguments) -> affix(self, arguments, false));
        METHODS.put("removeprefix", (rendering, self, arguments) -> {
            Text prefix = Values.textArgument(arguments.single("removeprefix"), "the prefix");
            return self.value().startsWith(prefix.value()) ? self.slice(prefix.length(), self.length()) : self;
        });
        METHODS.put("removesuffix", (rendering, self, arguments) -> {
            Text suffix = Values.textArgument(arguments.single("removesuffix"), "the suffix");
            boolean found = self.value().endsWith(suffix.value());
            return found ? self.slice(0, self.length() - suffix.length()) : self;
        });
        METHODS.put("find", (rendering, self, arguments) -> Int.of(find(rendering, self, arguments, false)));
        METHODS.put("rfind", (rendering, self, arguments) -> Int.of(find(rendering, self, arguments, true)));
        METHODS.put("index", (rendering, self, arguments) -> found(find(rendering, self, arguments, false)));
        METHODS.put("rindex", (rendering, self, arguments) -> found(find(rendering, self, arguments, true)));
        METHODS.put("count", TextMethods::count);
        METHODS.put("center", (rendering, self, arguments) -> pad(rendering, self, arguments, "center"));
        METHODS.put("ljust", (rendering, self, arguments) -> pad(rendering, self, arguments, "ljust"));
        METHODS.put("rjust", (rendering, self, arguments) -> pad(rendering, self, arguments, "rjust"));
        METHODS.put("zfill", TextMethods::zeroFill);
        METHODS.put("expandtabs", TextMethods::expandTabs);
        METHODS.put("format", BraceFormat::format);
        all("isalnum", Characters::isAlphanumeric);
        all("isalpha", Character::isLetter);
        all("isdecimal", Character::isDigit);
        all("isdigit", Characters::isDigit);
        all("isnumeric", Characters::isNumeric);
        all("isspace", Characters::isSpace);
        testing("isascii", text -> text.chars().allMatch(c -> c < 0x80));
        testing("isprintable", text -> text.codePoints().allMatch(Characters::isPrintable));
        testing("isidentifier", TextMethods::isIdentifier);
        testing("islower", text -> isLower(text));
        testing("isupper", text -> isUpper(text));
        testing("istitle", TextMethods::isTitle);
        for (String name : List.of("encode", "translate", "maketrans", "format_map")) {
            METHODS.put(name, (rendering, self, arguments) -> {
                throw TemplateError.unsupported("the method str." + name + "()");
            });
        }
    }

    private TextMethods() {}

    static @Nullable Method find(String name) {
        return METHODS.get(name);
    }

    static Value call(Rendering rendering, Method method, Text self, Arguments arguments) {
        rendering.reads(self);
        return method.call(rendering, self, arguments);
    }

    private static void rewriting(String name, UnaryOperator<String> change) {
        METHODS.put(name, (rendering, self, arguments) -> {
            arguments.bind(name, 0);
            return rewrite(rendering, self, change);
        });
    }

    static Text rewrite(Rendering rendering, Text self, UnaryOperator<String> change) {
        rendering.characters(self.length());
        return self.rewritten(change.apply(self.value()));
    }

    private static void testing(String name, Predicate<String> test) {
        METHODS.put(name, (rendering, self, arguments) -> {
            arguments.bind(name, 0);
            return Bool.of(test.test(self.value()));
        });
    }

    /** A test that holds when there is a character and all pass. */
    private static void all(String name, IntPredicate test) {
        testing(name, text -> !text.isEmpty() && text.codePoints().allMatch(test));
    }

    private static Text strip(Text self, Arguments arguments, boolean left, boolean right) {
        Value characters = arguments.bind("strip", 0, "chars")[0];
        Text set = Values.isNone(characters) || characters == null
                ? null
                : Values.textArgument(characters, "the characters");
        return StringSearch.strip(self, set, left, right);
    }

    private static Value split(Rendering rendering, Text self, Arguments arguments, boolean fromRight) {
        @Nullable Value[] given = arguments.bind("split", 0, "sep", "maxsplit");
        Value separator = given[0];
        Text text =
                separator == null || Values.isNone(separator) ? null : Values.textArgument(separator, "the separator");
        return ListValue.list(StringSearch.split(rendering, self, text, Values.intArgument(given[1], -1), fromRight));
    }

    private static Value partition(Rendering rendering, Text self, Arguments arguments, boolean fromRight) {
        Text separator = Values.textArgument(arguments.single("partition"), "the separator");
        if (separator.isEmpty()) {
            throw new TemplateError("empty separator");
        }
        rendering.searches(self, separator);
        int at = fromRight
                ? self.value().lastIndexOf(separator.value())
                : self.value().indexOf(separator.value());
        if (at < 0) {
            return fromRight
                    ? ListValue.tuple(Text.EMPTY, Text.EMPTY, self)
                    : ListValue.tuple(self, Text.EMPTY, Text.EMPTY);
        }
        int end = at + separator.length();
        return ListValue.tuple(self.slice(0, at), self.slice(at, end), self.slice(end, self.length()));
    }

    private static Value replace(Rendering rendering, Text self, Arguments arguments) {
        @Nullable Value[] given = arguments.bind("replace", 2, "old", "new", "count");
        Text old = Values.textArgument(required(given[0]), "replace() argument 1");
        Text replacement = Values.textArgument(required(given[1]), "replace() argument 2");
        return StringSearch.replace(rendering, self, old, replacement, Values.intArgument(given[2], -1));
    }

    private static Value required(@Nullable Value value) {
        return value == null ? Value.None.NONE : value;
    }

    private static Value join(Rendering rendering, Text self, Arguments arguments) {
        List<Text> parts = new ArrayList<>();
        for (Value item : Values.toList(rendering, arguments.single("join"))) {
            if (!(item instanceof Text part)) {
                throw new TemplateError("sequence item " + parts.size() + ": expected str instance, "
                        + Values.typeName(item) + " found");
            }
            parts.add(part);
        }
        return StringSearch.join(rendering, self, parts);
    }

    /** The part of the text between the code points {@code start} and {@code end}; null when start lies behind the end. */
    private static @Nullable Text window(Text self, @Nullable Value start, @Nullable Value end) {
        int size = self.codePoints();
        int from = Values.isNone(start) ? 0 : Values.intArgument(start, 0);
        int to = Values.isNone(end) ? size : Values.intArgument(end, size);
        from = from < 0 ? Math.max(0, from + size) : from;
        to = Math.min(to < 0 ? Math.max(0, to + size) : to, size);
        return from > to ? null : self.slice(self.offset(from), self.offset(to));
    }

    private static Value affix(Text self, Arguments arguments, boolean start) {
        String name = start ? "startswith" : "endswith";
        @Nullable Value[] given = arguments.bind(name, 1, "prefix", "start", "end");
        Text text = window(self, given[1], given[2]);
        if (given[0] instanceof ListValue options && options.isTuple()) {
            for (Value option : options.items()) {
                if (hasAffix(text, Values.textArgument(option, name), start)) {
                    return Bool.TRUE;
                }
            }
            return Bool.FALSE;
        }
        return Bool.of(hasAffix(text, Values.textArgument(required(given[0]), name + " first arg"), start));
    }

    private static boolean hasAffix(@Nullable Text text, Text affix, boolean start) {
        if (text == null) {
            return false;
        }
        return start ? text.value().startsWith(affix.value()) : text.value().endsWith(affix.value());
    }

    private static int find(Rendering rendering, Text self, Arguments arguments, boolean last) {
        @Nullable Value[] given = arguments.bind("find", 1, "sub", "start", "end");
        Text part = Values.textArgument(required(given[0]), "the text to find");
        Text text = window(self, given[1], given[2]);
        if (text == null) {
            return -1;
        }
        rendering.searches(text, part);
        int at = last ? text.value().lastIndexOf(part.value()) : text.value().indexOf(part.value());
        if (at < 0) {
            return -1;
        }
        int start = Values.isNone(given[1]) ? 0 : Values.intArgument(given[1], 0);
        return text.codePointIndex(at) + (start < 0 ? Math.max(0, start + self.codePoints()) : start);
    }

    private static Value found(int index) {
        if (index < 0) {
            throw new TemplateError("substring not found");
        }
        return Int.of(index);
    }

    private static Value count(Rendering rendering, Text self, Arguments arguments) {
        @Nullable Value[] given = arguments.bind("count", 1, "sub", "start", "end");
        Text part = Values.textArgument(required(given[0]), "the text to count");
        Text text = window(self, given[1], given[2]);
        if (text == null) {
            return Int.of(0);
        }
        if (part.isEmpty()) {
            return Int.of(text.codePoints() + 1);
        }
        rendering.searches(text, part);
        int count = 0;
        for (int at = text.value().indexOf(part.value()); at >= 0; ) {
            count++;
            at = text.value().indexOf(part.value(), at + part.length());
        }
        return Int.of(count);
    }

    private static Value pad(Rendering rendering, Text self, Arguments arguments, String name) {
        @Nullable Value[] given = arguments.bind(name, 1, "width", "fillchar");
        Text fill = given[1] == null ? Text.of(" ") : Values.textArgument(given[1], "the fill character");
        if (fill.codePoints() != 1) {
            throw new TemplateError("The fill character must be exactly one character long");
        }
        int width = Values.intArgument(given[0], 0);
        int missing = Math.max(0, width - self.codePoints());
        int left = switch (name) {
            case "ljust" -> 0;
            case "rjust" -> missing;
            default -> missing / 2 + (missing & width & 1);
        };
        return new TextBuilder(rendering)
                .repeat(fill, left)
                .append(self)
                .repeat(fill, missing - left)
                .build();
    }

    private static Value zeroFill(Rendering rendering, Text self, Arguments arguments) {
        int missing = Values.intArgument(arguments.single("zfill"), 0) - self.codePoints();
        int sign = self.value().startsWith("-") || self.value().startsWith("+") ? 1 : 0;
        return new TextBuilder(rendering)
                .append(self, 0, sign)
                .repeat(Text.of("0"), Math.max(0, missing))
                .append(self, sign, self.length())
                .build();
    }

    private static Value expandTabs(Rendering rendering, Text self, Arguments arguments) {
        int size = Values.intArgument(arguments.bind("expandtabs", 0, "tabsize")[0], 8);
        TextBuilder out = new TextBuilder(rendering);
        int column = 0;
        for (int i = 0; i < self.length(); ) {
            int c = self.value().codePointAt(i);
            int next = i + Character.charCount(c);
            if (c == '\t') {
                int spaces = size > 0 ? size - column % size : 0;
                out.repeat(Text.of(" "), spaces);
                column += spaces;
            } else {
                out.append(self, i, next);
                column = c == '\n' || c == '\r' ? 0 : column + 1;
            }
            i = next;
        }
        return out.build();
    }

    static String capitalize(String text) {
        if (text.isEmpty()) {
            return text;
        }
        int end = text.offsetByCodePoints(0, 1);
        return titleCase(text.codePointAt(0), text.substring(0, end))
                + text.substring(end).toLowerCase(Locale.ROOT);
    }

    private static String titleCase(int c, String text) {
        // a letter that becomes several, as ß does, keeps only the first of them large
        int title = Character.toTitleCase(c);
        String upper = text.toUpperCase(Locale.ROOT);
        if (title == c && upper.codePointCount(0, upper.length()) > 1) {
            int end = upper.offsetByCodePoints(0, 1);
            return upper.substring(0, end) + upper.substring(end).toLowerCase(Locale.ROOT);
        }
        return Character.toString(title);
    }

    private static String title(String text) {
        StringBuilder out = new StringBuilder(text.length());
        boolean inside = false;
        for (int i = 0; i < text.length(); ) {
            int c = text.codePointAt(i);
            String one = Character.toString(c);
            out.append(inside ? one.toLowerCase(Locale.ROOT) : titleCase(c, one));
            inside = Characters.isCased(c);
            i += one.length();
        }
        return out.toString();
    }

    private static String swapCase(String text) {
        StringBuilder out = new StringBuilder(text.length());
        text.codePoints().forEach(c -> {
            String one = Character.toString(c);
            out.append(
                    Character.isUpperCase(c)
                            ? one.toLowerCase(Locale.ROOT)
                            : Character.isLowerCase(c) ? one.toUpperCase(Locale.ROOT) : one);
        });
        return out.toString();
    }

    static boolean isLower(String text) {
        return text.codePoints().anyMatch(Character::isLowerCase)
                && text.codePoints().noneMatch(c -> Character.isUpperCase(c) || Character.isTitleCase(c));
    }

    static boolean isUpper(String text) {
        return text.codePoints().anyMatch(Character::isUpperCase)
                && text.codePoints().noneMatch(c -> Character.isLowerCase(c) || Character.isTitleCase(c));
    }

    private static boolean isTitle(String text) {
        boolean inside = false;
        boolean any = false;
        for (int i = 0; i < text.length(); i += Character.charCount(text.codePointAt(i))) {
            int c = text.codePointAt(i);
            boolean upper = Character.isUpperCase(c) || Character.isTitleCase(c);
            if (upper ? inside : Character.isLowerCase(c) && !inside) {
                return false;
            }
            inside = Characters.isCased(c);
            any |= inside;
        }
        return any;
    }

    private static boolean isIdentifier(String text) {
        return !text.isEmpty()
                && (text.charAt(0) == '_' || Character.isUnicodeIdentifierStart(text.codePointAt(0)))
                && text.codePoints().allMatch(Character::isUnicodeIdentifierPart);
    }
}
