package dev.nibble.chat.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/** Stripping, splitting and replacing of text; every piece keeps where it came from. */
final class StringSearch {
    private StringSearch() {}

    static String strip(String text) {
        Text stripped = strip(Text.of(text), null, true, true);
        return stripped.value();
    }

    /** Without the given characters, or white space, at the ends. */
    static Text strip(Text text, @Nullable Text characters, boolean left, boolean right) {
        String set = characters == null ? "" : characters.value();
        IntPredicate drops = characters == null ? Characters::isSpace : c -> set.indexOf(c) >= 0;
        String value = text.value();
        int from = 0;
        int to = value.length();
        while (left && from < to && drops.test(value.codePointAt(from))) {
            from += Character.charCount(value.codePointAt(from));
        }
        while (right && to > from && drops.test(value.codePointBefore(to))) {
            to -= Character.charCount(value.codePointBefore(to));
        }
        return text.slice(from, to);
    }

    /** {@code split} and {@code rsplit}; a null separator is a run of white space. */
    static List<Value> split(Rendering rendering, Text text, @Nullable Text separator, int most, boolean fromRight) {
        int limit = most < 0 ? Integer.MAX_VALUE : most;
        List<Value> parts = new ArrayList<>();
        if (separator == null) {
            splitSpace(rendering, text, limit, fromRight, parts);
        } else {
            if (separator.isEmpty()) {
                throw new TemplateError("empty separator");
            }
            rendering.searches(text, separator);
            String value = text.value();
            int width = separator.length();
            if (fromRight) {
                int to = value.length();
                for (int at = last(value, separator, to);
                        at >= 0 && parts.size() < limit;
                        at = last(value, separator, to)) {
                    rendering.steps(Rendering.OBJECT);
                    parts.add(text.slice(at + width, to));
                    to = at;
                }
                parts.add(text.slice(0, to));
            } else {
                int from = 0;
                for (int at = value.indexOf(separator.value());
                        at >= 0 && parts.size() < limit;
                        at = value.indexOf(separator.value(), from)) {
                    rendering.steps(Rendering.OBJECT);
                    parts.add(text.slice(from, at));
                    from = at + width;
                }
                parts.add(text.slice(from, value.length()));
            }
        }
        return fromRight ? parts.reversed() : parts;
    }

    private static int last(String value, Text separator, int to) {
        return to < separator.length() ? -1 : value.lastIndexOf(separator.value(), to - separator.length());
    }

    private static void splitSpace(Rendering rendering, Text text, int limit, boolean fromRight, List<Value> parts) {
        rendering.steps(text.length() >> 4);
        String value = text.value();
        int from = 0;
        int to = value.length();
        while (true) {
            rendering.steps(Rendering.OBJECT);
            while (from < to && Characters.isSpace(value.charAt(fromRight ? to - 1 : from))) {
                if (fromRight) {
                    to--;
                } else {
                    from++;
                }
            }
            if (from == to) {
                return;
            }
            if (parts.size() >= limit) { // the rest stays as it is
                parts.add(text.slice(from, to));
                return;
            }
            int edge = fromRight ? to : from;
            while (fromRight
                    ? edge > from && !Characters.isSpace(value.charAt(edge - 1))
                    : edge < to && !Characters.isSpace(value.charAt(edge))) {
                edge += fromRight ? -1 : 1;
            }
            parts.add(fromRight ? text.slice(edge, to) : text.slice(from, edge));
            if (fromRight) {
                to = edge;
            } else {
                from = edge;
            }
        }
    }

    /** {@code splitlines}. */
    static List<Value> lines(Rendering rendering, Text text, boolean keepEnds) {
        List<Value> lines = new ArrayList<>();
        String value = text.value();
        int from = 0;
        while (from < value.length()) {
            rendering.steps(Rendering.OBJECT);
            int end = from;
            while (end < value.length() && !Characters.isLineEnd(value.charAt(end))) {
                end++;
            }
            int next = end;
            if (end < value.length()) {
                next = value.startsWith("\r\n", end) ? end + 2 : end + 1;
            }
            lines.add(text.slice(from, keepEnds ? next : end));
            from = next;
        }
        rendering.steps(value.length() >> 6);
        return lines;
    }

    /** {@code replace}, at most {@code most} times unless that is negative. */
    static Text replace(Rendering rendering, Text text, Text old, Text replacement, int most) {
        int limit = most < 0 ? Integer.MAX_VALUE : most;
        rendering.searches(text, old);
        TextBuilder out = new TextBuilder(rendering);
        String value = text.value();
        int from = 0;
        if (old.isEmpty()) { // before each character and at the end
            for (int count = 0; count < limit && from <= value.length(); count++) {
                rendering.step();
                out.append(replacement);
                if (from == value.length()) {
                    return out.build();
                }
                int next = from + Character.charCount(value.codePointAt(from));
                out.append(text, from, next);
                from = next;
            }
            return out.append(text, from, value.length()).build();
        }
        int count = 0;
        for (int at = value.indexOf(old.value()); at >= 0 && count < limit; at = value.indexOf(old.value(), from)) {
            rendering.step();
            out.append(text, from, at).append(replacement);
            from = at + old.length();
            count++;
        }
        return count == 0 ? text : out.append(text, from, value.length()).build();
    }

    /** {@code join}. */
    static Text join(Rendering rendering, Text separator, Iterable<Text> parts) {
        TextBuilder out = new TextBuilder(rendering);
        boolean first = true;
        for (Text part : parts) {
            if (!first) {
                out.append(separator);
            }
            first = false;
            out.append(part);
        }
        return out.build();
    }
}
