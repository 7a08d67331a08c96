package dev.nibble.chat.dialect;

/**
 * A place in the text of an answer as far as it has come. Reading past the end, or deciding what more text could decide
 * otherwise, throws {@link Unread#CUT}; finding something else than what is asked for throws {@link Unread#OTHER}.
 */
final class Cursor {
    private static final String PLAIN_STOPS = ",]}) \t\r\n";

    private final StringBuilder text;
    private final boolean whole;
    /** The index of the next character. */
    int at;

    /**
     * At a place.
     *
     * @param whole whether no text follows any more
     */
    Cursor(StringBuilder text, int at, boolean whole) {
        this.text = text;
        this.at = at;
        this.whole = whole;
    }

    /** The next character. */
    char peek() {
        if (at >= text.length()) {
            throw Unread.CUT;
        }
        return text.charAt(at);
    }

    /** Whether the text is over; not known while more may come. */
    boolean isOver() {
        if (at < text.length()) {
            return false;
        }
        if (!whole) {
            throw Unread.CUT;
        }
        return true;
    }

    /** Passes white space. */
    void space() {
        while (!isOver() && Character.isWhitespace(text.charAt(at))) {
            at++;
        }
    }

    /** Whether a text comes next; not known where only its beginning does. */
    boolean sees(String expected) {
        for (int i = 0; i < expected.length(); i++) {
            if (at + i >= text.length()) {
                if (whole && i == 0) {
                    return false;
                }
                throw Unread.CUT;
            }
            if (text.charAt(at + i) != expected.charAt(i)) {
                return false;
            }
        }
        return true;
    }

    /** Passes a text if it comes next. */
    boolean skip(String expected) {
        boolean there = sees(expected);
        at += there ? expected.length() : 0;
        return there;
    }

    /** Passes a text that has to come next. */
    void expect(String expected) {
        for (int i = 0; i < expected.length(); i++, at++) {
            if (peek() != expected.charAt(i)) {
                throw Unread.OTHER;
            }
        }
    }

    /** Passes a comma and white space, unless what closes a list comes next. */
    void separator(String close) {
        peek();
        if (!skip(",") && !sees(close)) {
            throw Unread.OTHER;
        }
        space();
    }

    /** The text up to another, which is not passed. */
    String until(String stop) {
        int end = text.indexOf(stop, at);
        if (end < 0) {
            throw Unread.CUT;
        }
        String found = text.substring(at, end);
        at = end;
        return found;
    }

    /** A name of letters, digits, {@code _}, {@code -}, {@code .} and others that are given; it ends where another character is. */
    String name(String others) {
        int start = at;
        while (true) {
            char c = peek();
            if (!Character.isLetterOrDigit(c) && c != '_' && c != '-' && c != '.' && others.indexOf(c) < 0) {
                break;
            }
            at++;
        }
        if (at == start) {
            throw Unread.OTHER;
        }
        return text.substring(start, at);
    }

    /** What has been passed since a place. */
    String since(int start) {
        return text.substring(start, at);
    }

    /** What is there from a place on, passed or not. */
    String rest(int start) {
        return text.substring(start);
    }

    /** Passes a value in JSON, by its brackets and quotes only. */
    void json() {
        int depth = 0;
        do {
            char c = peek();
            if (c == '"') {
                string('"');
            } else if (c == '{' || c == '[') {
                depth++;
                at++;
            } else if (depth > 0 && (c == '}' || c == ']')) {
                depth--;
                at++;
            } else if (depth > 0) {
                at++;
            } else {
                plain();
            }
        } while (depth > 0);
    }

    /** Passes a string between quotes in which a backslash takes the next character along. */
    void string(char quote) {
        at++;
        while (peek() != quote) {
            at += text.charAt(at) == '\\' ? 2 : 1;
        }
        at++;
    }

    /** A word or number: up to a comma, a closing bracket or white space. */
    String plain() {
        int start = at;
        while (PLAIN_STOPS.indexOf(peek()) < 0) {
            at++;
        }
        if (at == start) {
            throw Unread.OTHER;
        }
        return since(start);
    }
}
