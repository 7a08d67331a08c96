package dev.nibble.chat.jinja;

import java.util.Arrays;

/** Builds a {@link Text} and keeps its untrusted ranges; what is appended counts against the rendering's limit. */
final class TextBuilder {
    private final Rendering rendering;
    private final StringBuilder characters = new StringBuilder();
    private int[] marks = new int[8];
    private int markCount;

    TextBuilder(Rendering rendering) {
        this.rendering = rendering;
    }

    /** Appends characters of the template or of the interpreter itself. */
    TextBuilder append(String trusted) {
        rendering.characters(trusted.length());
        characters.append(trusted);
        return this;
    }

    TextBuilder append(Text text) {
        return append(text, 0, text.length());
    }

    /** Appends the part of {@code text} between two UTF-16 indices. */
    TextBuilder append(Text text, int from, int to) {
        rendering.characters(to - from);
        int shift = characters.length() - from;
        characters.append(text.value(), from, to);
        int[] others = text.marks();
        for (int i = text.firstMark(from); i < others.length && others[i] < to; i += 2) {
            mark(Math.max(others[i], from) + shift, Math.min(others[i + 1], to) + shift);
        }
        return this;
    }

    TextBuilder append(String value, boolean trusted) {
        int start = characters.length();
        append(value);
        if (!trusted) {
            mark(start, characters.length());
        }
        return this;
    }

    TextBuilder repeat(Text text, long times) {
        if (times > 0 && !text.isEmpty()) {
            rendering.characters(Math.min(times, Integer.MAX_VALUE) * text.length());
            for (long i = 0; i < times; i++) {
                int shift = characters.length();
                characters.append(text.value());
                int[] others = text.marks();
                for (int m = 0; m < others.length; m += 2) {
                    mark(others[m] + shift, others[m + 1] + shift);
                }
            }
        }
        return this;
    }

    private void mark(int from, int to) {
        if (from >= to) {
            return;
        }
        if (markCount > 0 && marks[markCount - 1] == from) {
            marks[markCount - 1] = to;
            return;
        }
        if (markCount == marks.length) {
            marks = Arrays.copyOf(marks, 2 * markCount);
        }
        marks[markCount++] = from;
        marks[markCount++] = to;
    }

    int length() {
        return characters.length();
    }

    Text build() {
        return Text.marked(characters.toString(), Arrays.copyOf(marks, markCount));
    }
}
