package dev.nibble.constraint;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A set of Unicode scalar values: sorted ranges without gaps or overlaps between them. Immutable. */
final class CodePointSet {
    static final CodePointSet NONE = new CodePointSet(new int[0]);
    /** All characters: every code point but the surrogates, which no UTF-8 text holds. */
    static final CodePointSet ALL = range(0, Character.MAX_CODE_POINT);

    /** First and last of each range. */
    private final int[] bounds;

    private CodePointSet(int[] bounds) {
        this.bounds = bounds;
    }

    static CodePointSet of(int codePoint) {
        return range(codePoint, codePoint);
    }

    /** The characters from {@code low} to {@code high}, both included, surrogates left out. */
    static CodePointSet range(int low, int high) {
        return ofRanges(List.of(new int[] {low, high}));
    }

    /** The characters in any of the ranges, surrogates left out. */
    static CodePointSet ofRanges(List<int[]> ranges) {
        List<int[]> sorted = new ArrayList<>();
        for (int[] range : ranges) {
            add(sorted, range[0], Math.min(range[1], Character.MIN_SURROGATE - 1));
            add(sorted, Math.max(range[0], Character.MAX_SURROGATE + 1), range[1]);
        }
        sorted.sort((a, b) -> Integer.compare(a[0], b[0]));
        int[] bounds = new int[2 * sorted.size()];
        int count = 0;
        for (int[] range : sorted) {
            if (count > 0 && range[0] <= bounds[count - 1] + 1) {
                bounds[count - 1] = Math.max(bounds[count - 1], range[1]);
            } else {
                bounds[count++] = range[0];
                bounds[count++] = range[1];
            }
        }
        return new CodePointSet(Arrays.copyOf(bounds, count));
    }

    private static void add(List<int[]> ranges, int low, int high) {
        if (low <= high) {
            ranges.add(new int[] {low, high});
        }
    }

    /** The ranges, [first, last] each. */
    List<int[]> ranges() {
        List<int[]> ranges = new ArrayList<>();
        for (int i = 0; i < bounds.length; i += 2) {
            ranges.add(new int[] {bounds[i], bounds[i + 1]});
        }
        return ranges;
    }

    boolean isEmpty() {
        return bounds.length == 0;
    }

    CodePointSet or(CodePointSet other) {
        List<int[]> both = ranges();
        both.addAll(other.ranges());
        return ofRanges(both);
    }

    /** All other characters. */
    CodePointSet complement() {
        List<int[]> gaps = new ArrayList<>();
        int at = 0;
        for (int[] range : ranges()) {
            add(gaps, at, range[0] - 1);
            at = range[1] + 1;
        }
        add(gaps, at, Character.MAX_CODE_POINT);
        return ofRanges(gaps);
    }

    CodePointSet and(CodePointSet other) {
        return complement().or(other.complement()).complement();
    }

    CodePointSet minus(CodePointSet other) {
        return and(other.complement());
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof CodePointSet set && Arrays.equals(bounds, set.bounds);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bounds);
    }

    @Override
    public String toString() {
        return Arrays.toString(bounds);
    }
}
