package dev.nibble.chat.dialect;

import java.util.function.Consumer;

/** A text that is given out in pieces, without white space at its beginning and its end. */
final class Channel {
    private final Consumer<String> out;
    private final StringBuilder space = new StringBuilder();
    private boolean blank = true;

    Channel(Consumer<String> out) {
        this.out = out;
    }

    /** Whether nothing has been given out. */
    boolean isBlank() {
        return blank;
    }

    void add(CharSequence text) {
        int end = text.length();
        while (end > 0 && Character.isWhitespace(text.charAt(end - 1))) {
            end--;
        }
        int start = 0;
        while (blank && start < end && Character.isWhitespace(text.charAt(start))) {
            start++;
        }
        if (start < end) {
            out.accept(space.append(text, start, end).toString());
            space.setLength(0);
            blank = false;
        }
        if (!blank) {
            space.append(text, end, text.length());
        }
    }

    /** What follows is another paragraph. */
    void separate() {
        if (!blank) {
            space.setLength(0);
            space.append("\n\n");
        }
    }
}
