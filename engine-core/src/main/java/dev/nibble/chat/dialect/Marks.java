package dev.nibble.chat.dialect;

import dev.nibble.constraint.Constraint;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Literal text of a dialect, of which parts may be control tokens in some vocabularies and text in others. */
final class Marks {
    /** What a vocabulary may have one token for. */
    private static final Pattern MARK = Pattern.compile("<[^<>\\s]+>|\\[/?[A-Z_]+]|]<]\\w+\\[>\\[");

    private Marks() {}

    /** Exactly a text, written with control tokens or without. */
    static Constraint of(String text) {
        List<Constraint> parts = new ArrayList<>();
        Matcher found = MARK.matcher(text);
        int at = 0;
        while (found.find()) {
            if (at < found.start()) {
                parts.add(Constraint.text(text.substring(at, found.start())));
            }
            parts.add(Constraint.mark(found.group()));
            at = found.end();
        }
        if (at < text.length() || parts.isEmpty()) {
            parts.add(Constraint.text(text.substring(at)));
        }
        return parts.size() == 1 ? parts.getFirst() : Constraint.sequence(parts.toArray(Constraint[]::new));
    }

    /** What a text begins with: its first mark, if it begins with one, else all before its first mark. */
    static String first(String text) {
        Matcher found = MARK.matcher(text);
        return !found.find() ? text : found.start() == 0 ? found.group() : text.substring(0, found.start());
    }

    /** What follows {@link #first}, empty if nothing does. */
    static String rest(String text) {
        return text.substring(first(text).length());
    }
}
