package dev.nibble.chat.jinja;

/**
 * A string that knows which of its characters came from outside the template. Whatever is cut, joined or replaced keeps that
 * knowledge; a rewriting that cannot be followed character by character makes the whole result untrusted.
 *
 * <p>Indices are of UTF-16 units here; what the template sees counts code points, as Python does.
 */
public final class Text implements Value {
    static final Text EMPTY = new Text("", new int[0], false);
    private static final int[] TRUSTED = new int[0];

    private final String value;
    /** The untrusted ranges in order, not touching: from, to, from, to, ... */
    private final int[] marks;
    /** Made by {@code safe} or {@code escape}: {@code +} escapes what is added to it. */
    private final boolean markup;

    private byte surrogates; // 0 not looked yet, 1 none, 2 some

    private Text(String value, int[] marks, boolean markup) {
        this.value = value;
        this.marks = marks;
        this.markup = markup;
    }

    /** Text of the template itself. */
    static Text of(String value) {
        return value.isEmpty() ? EMPTY : new Text(value, TRUSTED, false);
    }

    /** Text from outside. */
    static Text untrusted(String value) {
        return value.isEmpty() ? EMPTY : new Text(value, new int[] {0, value.length()}, false);
    }

    static Text of(String value, boolean trusted) {
        return trusted ? of(value) : untrusted(value);
    }

    /** @param marks the untrusted ranges, sorted and apart */
    static Text marked(String value, int[] marks) {
        return value.isEmpty() ? EMPTY : new Text(value, marks, false);
    }

    /** The characters. */
    public String value() {
        return value;
    }

    /** The untrusted ranges as from, to, from, to, ... in UTF-16 units; sorted, not empty, not touching. */
    public int[] untrustedRanges() {
        return marks.clone();
    }

    int[] marks() {
        return marks;
    }

    boolean isTrusted() {
        return marks.length == 0;
    }

    boolean isMarkup() {
        return markup;
    }

    Text asMarkup(boolean wanted) {
        return markup == wanted ? this : new Text(value, marks, wanted);
    }

    int length() {
        return value.length();
    }

    boolean isEmpty() {
        return value.isEmpty();
    }

    /** The part between two UTF-16 indices. */
    Text slice(int from, int to) {
        if (from == 0 && to == value.length()) {
            return this;
        }
        if (from >= to) {
            return EMPTY;
        }
        return new Text(value.substring(from, to), marksWithin(from, to), markup);
    }

    private int[] marksWithin(int from, int to) {
        int first = firstMark(from);
        int end = first;
        while (end < marks.length && marks[end] < to) {
            end += 2;
        }
        int[] found = new int[end - first];
        for (int i = first; i < end; i += 2) {
            found[i - first] = Math.max(marks[i], from) - from;
            found[i - first + 1] = Math.min(marks[i + 1], to) - from;
        }
        return found;
    }

    /** The index in {@link #marks} of the first range that ends after {@code from}. */
    int firstMark(int from) {
        int low = 0;
        int high = marks.length / 2;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (marks[2 * middle + 1] > from) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        return 2 * low;
    }

    /** Another text made of this one in a way that moves characters about: untrusted as soon as any part of this is. */
    Text rewritten(String result) {
        return isTrusted() ? of(result).asMarkup(markup) : untrusted(result).asMarkup(markup);
    }

    /** True when a character takes one unit, so that indices are the same for Python. */
    private boolean isFlat() {
        if (surrogates == 0) {
            surrogates = 1;
            for (int i = 0; i < value.length(); i++) {
                if (Character.isSurrogate(value.charAt(i))) {
                    surrogates = 2;
                    break;
                }
            }
        }
        return surrogates == 1;
    }

    /** The number of code points. */
    int codePoints() {
        return isFlat() ? value.length() : value.codePointCount(0, value.length());
    }

    /** The UTF-16 index of a code point index between 0 and {@link #codePoints()}. */
    int offset(int codePoint) {
        return isFlat() ? codePoint : value.offsetByCodePoints(0, codePoint);
    }

    /** The code point index of a UTF-16 index. */
    int codePointIndex(int offset) {
        return isFlat() ? offset : value.codePointCount(0, offset);
    }

    /** The work of one index operation, in characters read. */
    int indexCost() {
        return isFlat() ? 1 : value.length();
    }

    @Override
    public String toString() {
        return value;
    }
}
