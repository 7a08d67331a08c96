package dev.nibble.tokenizer;

/** A stretch of text as code points with their classes, and the questions that splitters ask of it. */
final class CodePoints {
    private final int[] values;
    private final byte[] classes;
    private final int size;

    /** Decodes {@code [from, to)}; each byte that is not part of a character becomes U+FFFD. */
    CodePoints(byte[] utf8, int from, int to) {
        int count = 0;
        for (int i = from; i < to; i += step(utf8, i, to)) {
            count++;
        }
        values = new int[count];
        classes = new byte[count];
        size = count;
        count = 0;
        for (int i = from; i < to; i += step(utf8, i, to)) {
            int c = Utf8.decode(utf8, i, to);
            values[count] = c == Utf8.MALFORMED ? Utf8.REPLACEMENT : c;
            classes[count] = CharClass.of(values[count]);
            count++;
        }
    }

    private static int step(byte[] utf8, int from, int to) {
        return Utf8.decode(utf8, from, to) == Utf8.MALFORMED ? 1 : Utf8.length(utf8[from]);
    }

    int size() {
        return size;
    }

    int get(int index) {
        return values[index];
    }

    /** Whether {@code index} is before {@code to} and holds {@code c}. */
    boolean is(int index, int to, int c) {
        return index < to && values[index] == c;
    }

    /** Whether {@code index} is before {@code to} and has one of the classes. */
    boolean has(int index, int to, int mask) {
        return index < to && (classes[index] & mask) != 0;
    }

    /** Whether {@code index} is before {@code to} and has none of the classes. */
    boolean lacks(int index, int to, int mask) {
        return index < to && (classes[index] & mask) == 0;
    }

    boolean isNewline(int index, int to) {
        return index < to && (values[index] == '\n' || values[index] == '\r');
    }

    /** The end of the run of characters with one of the classes. */
    int skip(int index, int to, int mask) {
        while (index < to && (classes[index] & mask) != 0) {
            index++;
        }
        return index;
    }

    /** The end of the run of characters with none of the classes. */
    int skipOthers(int index, int to, int mask) {
        while (index < to && (classes[index] & mask) == 0) {
            index++;
        }
        return index;
    }

    int skipNewlines(int index, int to) {
        while (isNewline(index, to)) {
            index++;
        }
        return index;
    }

    boolean startsWith(String ascii, int index, int to) {
        if (to - index < ascii.length()) {
            return false;
        }
        for (int i = 0; i < ascii.length(); i++) {
            if (values[index + i] != ascii.charAt(i)) {
                return false;
            }
        }
        return true;
    }
}
